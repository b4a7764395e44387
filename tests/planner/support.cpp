#include "tests/planner/support.h"

namespace pipeloom::tests {

SimulatedSchedule simulate_named(std::string_view name, const planner::PipelineShape& shape, const UnitTimes& times) {
  const planner::NamedSchedule* named = planner::find_schedule(name).value();
  const Placement placement = named->placement(shape).value();
  ScheduleCosts::Input input;
  input.stages.assign(placement.stages(), StageCost::plain(times.f, times.i, times.w));
  if (times.pair > 0) {
    input.pairs.assign(static_cast<size_t>(placement.stages()) * placement.stages(), PairCost::plain(times.pair));
  }
  input.links = {LinkCost{times.link, 0}};
  const ScheduleCosts costs = ScheduleCosts::create(placement.stages(), placement.ranks(), input).value();
  Schedule schedule = named->generate(shape, {costs}).value();
  Timeline timeline = sim::simulate(schedule, costs, {}).value();
  sim::Bubble bubble = sim::measure_bubble(schedule, timeline);
  return {std::move(schedule), std::move(timeline), std::move(bubble)};
}

}  // namespace pipeloom::tests
