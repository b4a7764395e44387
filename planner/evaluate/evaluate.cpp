#include "planner/evaluate/evaluate.h"

#include <algorithm>
#include <optional>

#include "planner/evaluate/partition.h"
#include "sim/cost/job_costs.h"

namespace pipeloom::planner {

namespace {

double hidden_share(const Schedule& schedule, const StepCosts& costs) {
  int64_t total_ns = 0;
  int64_t hidden_ns = 0;
  for (const Slot& slot : schedule.slots()) {
    if (slot.has_forward()) total_ns += costs.communication[slot.stage].forward_ns;
    if (slot.has_input_backward()) total_ns += costs.communication[slot.backward_pass_stage()].backward_ns;
    if (slot.kind == SlotKind::kFB && !costs.pair_hidden_ns.empty()) {
      hidden_ns += costs.pair_hidden_ns[static_cast<size_t>(slot.stage) * schedule.stages() + slot.backward_stage];
    }
  }
  return total_ns == 0 ? 0 : static_cast<double>(hidden_ns) / static_cast<double>(total_ns);
}

// True if `a` is better: an evaluation that fits the memory wins, then the shorter step.
bool better(const Job& job, const Evaluation& a, const Evaluation& b) {
  const auto key = [&](const Evaluation& evaluation) {
    return std::pair(fits_memory(job, evaluation) ? 0 : 1, evaluation.end.step_ns);
  };
  return key(a) < key(b);
}

}  // namespace

int Evaluation::fullest_rank() const {
  const auto fullest = std::max_element(memory.begin(), memory.end(),
                                        [](const RankMemory& a, const RankMemory& b) { return a.total() < b.total(); });
  return static_cast<int>(fullest - memory.begin());
}

PipelineShape shape_of(const Job& job) {
  return {job.layout.pipeline, job.micro_batches,       job.schedule.chunks,
          job.schedule.group,  job.schedule.pipe_pairs, job.schedule.waves};
}

sim::P2pRule p2p_rule_of(const Job& job) {
  return {job.p2p.mode, job.p2p.receive_depth};
}

Result<Evaluation> evaluate(const Job& job, Schedule schedule, StepCosts costs) {
  PIPELOOM_TRY(Timeline timeline, sim::simulate(schedule, costs.schedule, p2p_rule_of(job)));
  sim::StepEnd end = sim::step_end(schedule, timeline, costs, job.clipping);
  sim::Bubble bubble = sim::measure_bubble(schedule, timeline);
  std::vector<RankMemory> memory = rank_memory(job, schedule, costs);
  const int copies = schedule.placement().pipes();
  const double overlap = hidden_share(schedule, costs);
  return Evaluation{std::move(schedule),
                    std::move(costs),
                    std::move(timeline),
                    std::move(end),
                    std::move(bubble),
                    std::move(memory),
                    copies,
                    overlap};
}

Result<Evaluation> evaluate(const Job& job, const NamedSchedule& named, const sim::SlotOrder& slot_order) {
  const PipelineShape shape = shape_of(job);
  PIPELOOM_TRY(const Placement placement, named.placement(shape));
  std::vector<std::vector<int>> worth_trying = {{}};
  if (job.model) {
    PIPELOOM_TRY(worth_trying, partitions(job, placement));
  }
  std::optional<Evaluation> best;
  for (std::vector<int>& layers_per_stage : worth_trying) {
    PIPELOOM_TRY(StepCosts costs, sim::step_costs(job, placement, std::move(layers_per_stage), slot_order));
    // Checked before there is a schedule, because heuristics add up times: F, I and W of every micro-batch on every
    // stage.
    PIPELOOM_RETURN_IF_ERROR(costs.schedule.check_step_of(int64_t{3} * placement.stages() * shape.micro_batches));
    PIPELOOM_TRY(Schedule schedule, named.generate(shape, {costs.schedule, costs.activations, 0}));
    PIPELOOM_TRY(Evaluation evaluation, evaluate(job, std::move(schedule), std::move(costs)));
    if (!best || better(job, evaluation, *best)) best = std::move(evaluation);
  }
  return std::move(*best);
}

Result<Job> job_for(const Job& job, const NamedSchedule& named) {
  if (!job.model || named.adapt == nullptr) return job;
  return named.adapt(job);
}

bool fits_memory(const Job& job, const Evaluation& evaluation) {
  const int64_t limit = memory_limit_bytes(job);
  return limit == 0 || evaluation.peak_memory() <= limit;
}

}  // namespace pipeloom::planner
