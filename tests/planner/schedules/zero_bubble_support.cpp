#include "tests/planner/schedules/zero_bubble_support.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>

namespace pipeloom::tests {

namespace {

// "10/12/11/15" or one number for all stages.
std::vector<int64_t> per_stage(const ReferenceOrder& reference, const std::string& name, int stages) {
  const auto found = reference.parameters.find(name);
  if (found == reference.parameters.end()) return std::vector<int64_t>(stages, 1);
  std::vector<int64_t> values;
  std::istringstream in(found->second);
  for (std::string number; std::getline(in, number, '/');) values.push_back(std::stoll(number));
  if (values.size() == 1) values.resize(stages, values[0]);
  return values;
}

OwnedInputs owned(int stages, int ranks, std::vector<StageCost> costs, int64_t latency_ns) {
  ScheduleCosts::Input input;
  input.stages = std::move(costs);
  input.links = {LinkCost{latency_ns, 0}};
  return {ScheduleCosts::create(stages, ranks, std::move(input)).value(), {}, 0};
}

}  // namespace

OwnedInputs inputs_of(const ReferenceOrder& reference, int stages) {
  const auto forward = per_stage(reference, "f", stages);
  const auto input_backward = per_stage(reference, "b", stages);
  const auto weight = per_stage(reference, "w", stages);
  std::vector<StageCost> costs;
  for (int stage = 0; stage < stages; ++stage) {
    costs.push_back(StageCost::plain(forward[stage], input_backward[stage], weight[stage]));
  }
  OwnedInputs inputs = owned(stages, reference.ranks, std::move(costs), reference.parameter("comm", 0));
  const auto memory = reference.parameters.find("mem");
  if (memory == reference.parameters.end() || memory->second == "fixed1p") return inputs;
  EXPECT_EQ(memory->second, "h4096a32s4096");
  inputs.activations.assign(stages, ActivationSize{794624, 131072});
  return inputs;
}

OwnedInputs unit_inputs(int stages, int ranks) {
  return owned(stages, ranks, std::vector<StageCost>(stages, StageCost::plain(1, 1, 1)), 0);
}

OwnedInputs random_inputs(int stages, int ranks, uint32_t seed, int longest) {
  std::mt19937 random(seed);
  const auto draw = [&](int low, int high) { return static_cast<int64_t>(low + random() % (high - low + 1)); };
  std::vector<StageCost> costs;
  for (int stage = 0; stage < stages; ++stage) {
    costs.push_back(StageCost::plain(draw(0, longest), draw(0, longest), draw(0, longest)));
  }
  OwnedInputs inputs = owned(stages, ranks, std::move(costs), draw(0, longest / 4));
  for (int stage = 0; stage < stages; ++stage) {
    const int64_t total = draw(1, 100);
    inputs.activations.push_back({total, draw(0, static_cast<int>(total))});
  }
  return inputs;
}

int64_t slot_ns(const Slot& slot, const ScheduleCosts& costs) {
  const StageCost& cost = costs.stage(slot.stage);
  switch (slot.kind) {
    case SlotKind::kF:
      return cost.forward.duration_ns;
    case SlotKind::kI:
      return cost.input_backward.duration_ns;
    case SlotKind::kB:
      return cost.backward.duration_ns;
    default:
      return cost.weight_ns;
  }
}

std::vector<int64_t> slot_ends_ns(const Schedule& schedule, const ScheduleCosts& costs) {
  const auto slots = schedule.slots();
  const Placement& placement = schedule.placement();
  const size_t cells = static_cast<size_t>(schedule.stages()) * schedule.micro_batches();
  std::vector<int64_t> forward_end(cells), input_end(cells), slot_end(slots.size()), rank_end(schedule.ranks());
  for (const uint32_t number : schedule.topological_order()) {
    const Slot& slot = slots[number];
    const int rank = schedule.rank_of_slot(number);
    int64_t start = rank_end[rank];
    const auto need = [&](const std::vector<int64_t>& ends, int stage) {
      if (stage < 0 || stage >= schedule.stages()) return;
      const int source = placement.rank_of(0, stage);
      const int64_t latency = source == rank ? 0 : costs.link(source, rank).latency_ns;
      start = std::max(start, ends[schedule.cell(stage, slot.micro_batch)] + latency);
    };
    if (slot.has_forward()) need(forward_end, slot.stage - 1);
    if (slot.has_input_backward()) need(input_end, slot.stage + 1);
    rank_end[rank] = slot_end[number] = start + slot_ns(slot, costs);
    if (slot.has_forward()) forward_end[schedule.cell(slot.stage, slot.micro_batch)] = slot_end[number];
    if (slot.has_input_backward()) input_end[schedule.cell(slot.stage, slot.micro_batch)] = slot_end[number];
  }
  return slot_end;
}

int64_t makespan_ns(const Schedule& schedule, const ScheduleCosts& costs) {
  const auto ends = slot_ends_ns(schedule, costs);
  return *std::max_element(ends.begin(), ends.end());
}

int64_t span_ns(const Schedule& schedule, const ScheduleCosts& costs) {
  const auto ends = slot_ends_ns(schedule, costs);
  int64_t span = 0;
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    const uint32_t first = schedule.first_slot(rank);
    const int64_t begin = ends[first] - slot_ns(schedule.slots()[first], costs);
    span = std::max(span, ends[schedule.first_slot(rank + 1) - 1] - begin);
  }
  return span;
}

std::vector<int64_t> peak_memory(const Schedule& schedule, const std::vector<ActivationSize>& activations) {
  std::vector<int64_t> peaks;
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    int64_t now = 0;
    int64_t peak = 0;
    for (const Slot& slot : schedule.slots_of(rank)) {
      const ActivationSize size = activations.empty() ? ActivationSize{1, 1} : activations[slot.stage];
      if (slot.has_forward()) now += size.total;
      peak = std::max(peak, now);
      if (slot.has_input_backward()) now -= size.total - size.kept_for_weight;
      if (slot.has_weight_backward()) now -= size.kept_for_weight;
    }
    peaks.push_back(peak);
  }
  return peaks;
}

std::string text_of(const RankOrders& orders) {
  std::string text;
  for (const auto& order : orders) {
    for (const Slot& slot : order) text += fmt::format("{}.{} ", slot_label(slot), slot.stage);
    text += '\n';
  }
  return text;
}

RankOrders orders_of(const Schedule& schedule) {
  RankOrders orders;
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    orders.emplace_back(schedule.slots_of(rank).begin(), schedule.slots_of(rank).end());
  }
  return orders;
}

}  // namespace pipeloom::tests
