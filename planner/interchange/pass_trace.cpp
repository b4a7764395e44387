#include "planner/interchange/pass_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "core/lowering/component_times.h"
#include "core/units.h"

namespace pipeloom {

namespace {

auto key_of(const Slot& slot) {
  return std::tuple(slot.kind, slot.stage, slot.micro_batch, slot.backward_stage, slot.backward_micro_batch);
}

struct Place {
  int32_t rank = 0;
  int32_t position = 0;  // in the rank's order
};

std::map<decltype(key_of({})), Place> places_of(const Schedule& schedule) {
  std::map<decltype(key_of({})), Place> places;
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    int32_t position = 0;
    for (const Slot& slot : schedule.slots_of(rank)) places[key_of(slot)] = {rank, position++};
  }
  return places;
}

// `part` of `whole`, of `length`.
int64_t share(int64_t part, int64_t whole, int64_t length) {
  return whole == 0 ? 0 : static_cast<int64_t>(int128_t{part} * length / whole);
}

}  // namespace

Result<Trace> trace_of_slots(const Plan& plan, const std::vector<MeasuredSlot>& measured) {
  const auto places = places_of(plan.schedule);
  std::map<std::pair<int32_t, int32_t>, const MeasuredSlot*> last;  // by rank and position
  for (const MeasuredSlot& it : measured) {
    const auto place = places.find(key_of(it.slot));
    if (place == places.end()) {
      return invalid(
          fmt::format("the run has {} of stage {}, which the plan has not", slot_label(it.slot), it.slot.stage));
    }
    last[{place->second.rank, place->second.position}] = &it;
  }
  Trace trace;
  trace.plan_digest = plan.task_digest;
  int64_t first_ns = INT64_MAX;
  for (const auto& [place, it] : last) first_ns = std::min(first_ns, it->begin_ns);
  for (const auto& [place, it] : last) {
    const std::vector<ComponentInterval> parts = component_times(it->slot, plan.costs);
    int64_t planned_ns = 0;
    for (const ComponentInterval& part : parts) planned_ns = std::max(planned_ns, part.end_ns);
    const int64_t length_ns = it->end_ns - it->begin_ns;
    const int64_t start_ns = it->begin_ns - first_ns;
    for (const ComponentInterval& part : parts) {
      Span span;
      span.key = {place.first,    place.second,        part.part.cost.layer, part.part.cost.component,
                  part.part.pass, TaskKind::kComponent};
      span.lane = part.part.cost.lane;
      span.begin_ns = start_ns + share(part.begin_ns, planned_ns, length_ns);
      span.end_ns = start_ns + share(part.end_ns, planned_ns, length_ns);
      trace.spans.push_back(span);
    }
  }
  return trace;
}

}  // namespace pipeloom
