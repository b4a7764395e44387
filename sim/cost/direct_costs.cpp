#include "sim/cost/direct_costs.h"

#include <fmt/format.h>

namespace pipeloom::sim {

namespace {

Status check_entries(const char* name, const std::vector<int64_t>& times, int stages) {
  const auto entries = static_cast<int>(times.size());
  if (entries <= 1 || entries == stages) return {};
  return invalid(fmt::format("costs.{} has {} entries; allowed are 1, or one for each of the placement's {} stages",
                             name, entries, stages));
}

int64_t of_stage(const std::vector<int64_t>& times, int stage) {
  return times.size() == 1 ? times[0] : times[stage];
}

}  // namespace

Result<StepCosts> direct_step_costs(const Job& job, const Placement& placement) {
  const DirectCosts& direct = *job.costs;
  const int stages = placement.stages();
  PIPELOOM_RETURN_IF_ERROR(check_entries("f_ns", direct.f_ns, stages));
  PIPELOOM_RETURN_IF_ERROR(check_entries("i_ns", direct.i_ns, stages));
  PIPELOOM_RETURN_IF_ERROR(check_entries("w_ns", direct.w_ns, stages));
  PIPELOOM_RETURN_IF_ERROR(check_entries("b_ns", direct.b_ns, stages));

  std::vector<StageProgram> programs;
  ScheduleCosts::Input input;
  for (int stage = 0; stage < stages; ++stage) {
    const int64_t f_ns = of_stage(direct.f_ns, stage);
    const int64_t i_ns = of_stage(direct.i_ns, stage);
    const int64_t w_ns = of_stage(direct.w_ns, stage);
    const int64_t b_ns = direct.b_ns.empty() ? i_ns + w_ns : of_stage(direct.b_ns, stage);
    input.stages.push_back(StageCost::plain(f_ns, i_ns, w_ns, b_ns));
    programs.push_back({{stage, Component::kStage, Lane::kCompute, f_ns, i_ns, w_ns}});
  }
  if (direct.pair_ns) input.pairs = {PairCost::plain(*direct.pair_ns)};
  if (direct.input_pair_ns) input.input_pairs = {PairCost::plain(*direct.input_pair_ns)};
  input.links = {{job.p2p.latency_ns, 0}};
  PIPELOOM_TRY(ScheduleCosts schedule, ScheduleCosts::create(stages, placement.ranks(), std::move(input)));

  constexpr int64_t kWhole = 1'000'000;
  StepCosts costs{.schedule = std::move(schedule)};
  costs.programs = std::move(programs);
  costs.activations.assign(stages, ActivationSize{kWhole, job.weight_share_millionths});
  costs.states.assign(stages, StageState{});
  costs.communication.assign(stages, StageCommunication{});
  costs.gradient_reduction_ns.assign(stages, 0);
  costs.optimizer_ns.assign(stages, 0);
  return costs;
}

}  // namespace pipeloom::sim
