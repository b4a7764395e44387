#include "tests/support/reference_schedule.h"

#include <algorithm>
#include <cmath>

#include "core/base/units.h"

namespace pipeloom::tests {

namespace {

Result<Placement> placement_of(const ReferenceOrder& reference) {
  const std::string& name = reference.schedule;
  const int ranks = reference.ranks;
  if (name == "dualpipe") return Placement::bidirectional(ranks, 1);
  if (name == "chimera") return Placement::bidirectional(ranks, reference.parameter("f", 1));
  if (name.starts_with("interleaved") || name.starts_with("looped") || name.starts_with("group_interleaved")) {
    return Placement::looped(ranks, reference.parameter("V", 2));
  }
  const bool v_shaped = name.starts_with("zbv") || name.starts_with("v_") || name == "dualpipev";
  return v_shaped ? Placement::v(ranks) : Placement::linear(ranks);
}

std::vector<uint16_t> pipes_of(const ReferenceOrder& reference) {
  std::vector<uint16_t> pipes;
  const int per_pipe = reference.schedule == "dualpipe"
                           ? reference.micro_batches / 2
                           : std::max(1, reference.ranks / (2 * reference.parameter("f", 1)));
  for (int m = 0; m < reference.micro_batches; ++m) {
    const bool many = reference.schedule == "dualpipe" || reference.schedule == "chimera";
    pipes.push_back(static_cast<uint16_t>(many ? m / per_pipe % (2 * reference.parameter("f", 1)) : 0));
  }
  return pipes;
}

}  // namespace

Result<Schedule> reference_schedule(const ReferenceOrder& reference) {
  PIPELOOM_TRY(Placement placement, placement_of(reference));
  return Schedule::create(std::move(placement), pipes_of(reference), reference.orders);
}

ScheduleCosts unit_costs(const Schedule& schedule, double link_units) {
  ScheduleCosts::Input input;
  const int64_t unit = kNsPerUnit;
  input.stages.assign(schedule.stages(), StageCost::plain(unit, unit, unit));
  if (schedule.has_pairs()) {
    input.pairs.assign(static_cast<size_t>(schedule.stages()) * schedule.stages(), PairCost::plain(3 * unit));
  }
  input.links = {LinkCost{std::llround(link_units * static_cast<double>(unit)), 0}};
  return ScheduleCosts::create(schedule.stages(), schedule.ranks(), std::move(input)).value();
}

}  // namespace pipeloom::tests
