#include "sim/cost/job_costs.h"

#include <algorithm>

#include "core/base/check.h"
#include "sim/cost/direct_costs.h"
#include "sim/cost/layer_costs.h"
#include "sim/cost/memory_model.h"
#include "sim/cost/optimizer.h"
#include "sim/cost/overlap_costs.h"
#include "sim/cost/pipeline_links.h"
#include "sim/cost/stage_span.h"
#include "sim/cost/training_memory.h"
#include "sim/cost/training_reduction.h"

namespace pipeloom::sim {

namespace {

StageCommunication communication_of(const StageProgram& program) {
  StageCommunication sum;
  for (const ComponentCost& part : program) {
    if (part.lane != Lane::kEp) continue;
    sum.forward_ns += part.forward_ns;
    sum.backward_ns += part.input_ns + part.weight_ns;
  }
  return sum;
}

StageCost stage_cost(const StageProgram& program) {
  const PassTimes times = sum_of(program);
  return StageCost::plain(times.forward_ns, times.input_ns, times.weight_ns);
}

// What follows the passes of the next stage.
void add_end(StepCosts& costs, const Job& job, const StageParameters& parameters, int copies) {
  if (job.software) {
    const PassTimes passes = sum_of(costs.programs[costs.optimizer_ns.size()]);
    const TrainingEnd end = training_end(job, parameters, copies, passes);
    costs.gradient_reduction_ns.push_back(end.reduction_ns);
    costs.optimizer_ns.push_back(end.optimizer_ns);
    return;
  }
  costs.gradient_reduction_ns.push_back(gradient_reduction_ns(job, parameters, copies));
  costs.optimizer_ns.push_back(optimizer_ns(job, parameters, copies));
}

// What a framework holds for a moment, and for ever.
void add_temporaries(StepCosts& costs, const Job& job, const Placement& placement) {
  const std::vector<StageSpan> spans = stage_spans(costs.layers_per_stage);
  for (size_t stage = 0; stage < spans.size(); ++stage) {
    const StageParameters parameters = stage_parameters(job, spans[stage], placement.ends_share_a_rank());
    costs.temporaries.push_back(training_temporaries(job, spans[stage]));
    costs.temporaries.back().step_bytes = training_step_bytes(job, parameters, placement.pipes());
  }
  if (!job.software->dummy_gradients) return;
  for (int rank = 0; rank < placement.ranks(); ++rank) {
    std::vector<StageSpan> stages;
    for (const Chunk& chunk : placement.chunks_of(rank)) stages.push_back(spans[chunk.stage]);
    costs.dummy_gradients_bytes.push_back(dummy_gradients_bytes(job, stages));
  }
}

void fill_memory(StepCosts& costs, const Job& job, const Placement& placement) {
  const bool ends_meet = placement.ends_share_a_rank();
  for (const StageSpan& span : stage_spans(costs.layers_per_stage)) {
    const StageParameters parameters = stage_parameters(job, span, ends_meet);
    costs.states.push_back(stage_state(job, parameters, placement.pipes()));
    costs.activations.push_back(stage_activation(job, span));
    add_end(costs, job, parameters, placement.pipes());
    if (job.ema_decay > 0) costs.ema_ns.push_back(ema_ns(job, parameters, placement.pipes()));
  }
  costs.reserve = memory_reserve(job);
  if (job.software) add_temporaries(costs, job, placement);
  costs.norm_ns = norm_ns(job);
  costs.shares_embedding = job.model->mtp_depth > 0 && placement.stages() > 1;
}

std::vector<StageProgram> programs_of(const Job& job, const std::vector<int>& layers_per_stage) {
  const LayerCosts costs = layer_costs(job, {job.cluster->compute_sms()});
  std::vector<StageProgram> programs;
  for (const StageSpan& span : stage_spans(layers_per_stage)) programs.push_back(stage_program(costs, span));
  return programs;
}

Result<StepCosts> model_step_costs(const Job& job, const Placement& placement, std::vector<int> layers_per_stage,
                                   const SlotOrder& slot_order) {
  PIPELOOM_THROW_UNLESS(placement.ranks() == job.layout.pipeline);
  PIPELOOM_RETURN_IF_ERROR(check_layers_per_stage(layers_per_stage, job.model->layers, placement.stages()));
  std::vector<StageProgram> programs = programs_of(job, layers_per_stage);
  ScheduleCosts::Input input;
  for (const StageProgram& program : programs) input.stages.push_back(stage_cost(program));
  OverlapCosts overlap;
  // Frameworks overlap compute and all-to-all only if they are told to.
  if (job.layout.expert > 1 && (!job.software || job.software->overlap_experts)) {
    overlap = overlap_costs(programs, overlap_stages(job, layers_per_stage), slot_order);
    for (size_t stage = 0; stage < programs.size(); ++stage) input.stages[stage].backward = overlap.backward[stage];
    input.pairs = std::move(overlap.pairs);
  }
  input.links = pipeline_links(job, placement.ranks());
  input.message_bytes = {hand_over_bytes(job)};
  PIPELOOM_TRY(ScheduleCosts schedule, ScheduleCosts::create(placement.stages(), placement.ranks(), std::move(input)));

  StepCosts costs{.schedule = std::move(schedule)};
  costs.layers_per_stage = std::move(layers_per_stage);
  costs.programs = std::move(programs);
  costs.overlap = std::move(overlap.programs);
  for (const StageProgram& program : costs.programs) costs.communication.push_back(communication_of(program));
  costs.pair_hidden_ns = std::move(overlap.pair_hidden_ns);
  fill_memory(costs, job, placement);
  costs.flops_per_step = reported_flops_per_step(job);
  return costs;
}

}  // namespace

Result<StepCosts> step_costs(const Job& job, const Placement& placement, std::vector<int> layers_per_stage,
                             const SlotOrder& slot_order) {
  if (job.model) return model_step_costs(job, placement, std::move(layers_per_stage), slot_order);
  return direct_step_costs(job, placement);
}

}  // namespace pipeloom::sim
