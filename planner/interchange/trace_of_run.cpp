#include "planner/interchange/trace_of_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "core/base/units.h"
#include "core/tasks/component_times.h"

namespace pipeloom::planner {

namespace {

auto key_of(const Slot& slot) {
  return std::tuple(slot.kind, slot.stage, slot.micro_batch, slot.backward_stage, slot.backward_micro_batch);
}

struct Place {
  int32_t rank = 0;
  int32_t position = 0;  // in the rank's order

  auto operator<=>(const Place&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 sees a 0 in it
};

std::map<decltype(key_of({})), Place> places_of(const Schedule& schedule) {
  std::map<decltype(key_of({})), Place> places;
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    int32_t position = 0;
    for (const Slot& slot : schedule.slots_of(rank)) places[key_of(slot)] = {rank, position++};
  }
  return places;
}

// Scales `part` of `whole` to `length`.
int64_t share(int64_t part, int64_t whole, int64_t length) {
  return whole == 0 ? 0 : static_cast<int64_t>(int128_t{part} * length / whole);
}

Span span_of(const ComponentInterval& part, const Place& place) {
  Span span;
  span.key = {place.rank, place.position, part.part.cost.layer, part.part.cost.component, part.part.pass};
  span.lane = part.part.cost.lane;
  return span;
}

// Gives every component of a slot without kernels its planned share of the slot's time.
void add_shares(const MeasuredSlot& slot, const std::vector<ComponentInterval>& parts, const Place& place,
                std::vector<Span>& spans) {
  int64_t planned_ns = 0;
  for (const ComponentInterval& part : parts) planned_ns = std::max(planned_ns, part.end_ns);
  const int64_t length_ns = slot.end_ns - slot.begin_ns;
  for (const ComponentInterval& part : parts) {
    Span span = span_of(part, place);
    span.begin_ns = slot.begin_ns + share(part.begin_ns, planned_ns, length_ns);
    span.end_ns = slot.begin_ns + share(part.end_ns, planned_ns, length_ns);
    spans.push_back(span);
  }
}

// Returns the role of the kernels that do a component's work. In the backward pass a combine's transfer is a dispatch,
// and the reverse.
KernelRole role_of(const SlotComponent& part) {
  if (part.cost.lane == Lane::kCompute) return KernelRole::kCompute;
  const bool forward = part.pass == SlotKind::kF;
  if (part.cost.component == Component::kDispatch) return forward ? KernelRole::kDispatch : KernelRole::kCombine;
  if (part.cost.component == Component::kCombine) return forward ? KernelRole::kCombine : KernelRole::kDispatch;
  return KernelRole::kExchange;
}

// Sets when a component ran, and how much of that was not the work of its kernels.
void set_times(std::span<const SlotKernel> kernels, Span& span) {
  // The host launches kernels one by one, so short pauses are part of the work; longer ones are waits.
  constexpr int64_t kLaunchGapNs = 20'000;
  span.begin_ns = kernels.front().begin_ns;
  span.end_ns = span.begin_ns;
  int64_t work_ns = 0;
  for (const SlotKernel& kernel : kernels) {
    if (const int64_t gap_ns = kernel.begin_ns - span.end_ns; gap_ns > 0 && gap_ns <= kLaunchGapNs) work_ns += gap_ns;
    work_ns += kernel.work_ns;
    span.end_ns = std::max(span.end_ns, kernel.end_ns);
  }
  span.waited_ns = std::max<int64_t>(span.end_ns - span.begin_ns - work_ns, 0);
}

// Divides kernels among components: a kernel goes to the component in whose planned share its middle lies.
void divide(const std::vector<SlotKernel>& kernels, const std::vector<const ComponentInterval*>& parts,
            const Place& place, std::vector<Span>& spans) {
  int64_t planned_ns = 0;
  for (const ComponentInterval* part : parts) planned_ns += part->part.duration_ns;
  int64_t busy_ns = 0;
  for (const SlotKernel& kernel : kernels) busy_ns += kernel.end_ns - kernel.begin_ns;
  size_t next = 0;
  int64_t before_ns = 0;  // duration of the kernels so far
  int64_t until_ns = 0;   // planned duration so far
  for (const ComponentInterval* part : parts) {
    until_ns += part->part.duration_ns;
    const bool last = part == parts.back();
    const int64_t end_ns = share(until_ns, planned_ns, busy_ns);
    const size_t first = next;
    for (; next < kernels.size(); ++next) {
      const int64_t length_ns = kernels[next].end_ns - kernels[next].begin_ns;
      if (!last && before_ns + length_ns / 2 >= end_ns) break;
      before_ns += length_ns;
    }
    if (next == first) continue;
    Span span = span_of(*part, place);
    set_times(std::span(kernels).subspan(first, next - first), span);
    spans.push_back(span);
  }
}

void add_kernels(const MeasuredSlot& slot, const std::vector<ComponentInterval>& parts, const Place& place,
                 std::vector<Span>& spans) {
  std::array<std::vector<SlotKernel>, 5> kernels;  // [KernelRole]
  for (const SlotKernel& kernel : slot.kernels) kernels[static_cast<size_t>(kernel.role)].push_back(kernel);
  // If names don't tell dispatch and combine apart, the whole exchange is one row.
  const bool named = !kernels[static_cast<size_t>(KernelRole::kDispatch)].empty() ||
                     !kernels[static_cast<size_t>(KernelRole::kCombine)].empty();
  std::array<std::vector<const ComponentInterval*>, 5> of_role;
  for (const ComponentInterval& part : parts) {
    if (part.part.cost.component == Component::kWait) continue;
    KernelRole role = role_of(part.part);
    if (role != KernelRole::kCompute && !named) role = KernelRole::kExchange;
    of_role[static_cast<size_t>(role)].push_back(&part);
  }
  for (size_t role = 0; role < kernels.size(); ++role) divide(kernels[role], of_role[role], place, spans);
}

}  // namespace

Result<Trace> trace_of_run(const Plan& plan, const ProfiledRun& run, KernelWork work) {
  const std::vector<MeasuredSlot> measured = measured_slots(run, work);
  if (measured.empty()) return invalid("no ranges of a pipeline schedule (\"PP:0F0\") to join with the plan");
  const auto places = places_of(plan.schedule);
  std::map<Place, const MeasuredSlot*> last;
  for (const MeasuredSlot& it : measured) {
    const auto place = places.find(key_of(it.slot));
    if (place == places.end()) {
      return invalid(
          fmt::format("the run has {} of stage {}, which the plan does not have", slot_label(it.slot), it.slot.stage));
    }
    last[place->second] = &it;
  }
  Trace trace;
  trace.plan_digest = plan.task_digest;
  for (const auto& [place, it] : last) {
    const std::vector<ComponentInterval> parts = component_times(it->slot, plan.costs);
    it->kernels.empty() ? add_shares(*it, parts, place, trace.spans) : add_kernels(*it, parts, place, trace.spans);
  }
  int64_t first_ns = INT64_MAX;
  for (const Span& span : trace.spans) first_ns = std::min(first_ns, span.begin_ns);
  for (Span& span : trace.spans) {
    span.begin_ns -= first_ns;
    span.end_ns -= first_ns;
  }
  return trace;
}

KernelTrace kernel_trace(const ProfiledRun& run) {
  KernelTrace result;
  const auto add = [&](const SlotKernel& kernel, int32_t slot, SlotKind pass) {
    Span& span = result.trace.spans.emplace_back();
    span.key = {0, slot, 0, Component::kStage, pass};
    if (kernel.role == KernelRole::kDispatch) span.key.component = Component::kDispatch;
    if (kernel.role == KernelRole::kCombine) span.key.component = Component::kCombine;
    if (kernel.role == KernelRole::kNotify) span.key.component = Component::kWait;
    span.lane = kernel.role == KernelRole::kCompute ? Lane::kCompute : Lane::kEp;
    span.begin_ns = kernel.begin_ns - run.kernels.front().begin_ns;
    span.end_ns = kernel.end_ns - run.kernels.front().begin_ns;
    result.names.push_back(kernel.name);
  };
  if (run.rank) result.trace.name = fmt::format("rank {}", *run.rank);
  if (run.ranges.empty()) {
    for (const SlotKernel& kernel : kernels_with_roles(run, KernelWork::kMeasured)) add(kernel, -1, SlotKind::kF);
    return result;
  }
  int32_t number = 0;
  for (const MeasuredSlot& slot : measured_slots(run, KernelWork::kMeasured)) {
    const SlotKind pass = slot.slot.has_forward() ? SlotKind::kF : slot.slot.backward_kind();
    for (const SlotKernel& kernel : slot.kernels) add(kernel, number, pass == SlotKind::kB ? SlotKind::kI : pass);
    ++number;
  }
  return result;
}

}  // namespace pipeloom::planner
