#include "sim/report/memory.h"

#include <algorithm>
#include <map>

namespace pipeloom::sim {

namespace {

// taken() is what a slot takes at its start, given_back() what it gives back at its end.
int64_t taken(const Slot& slot, std::span<const ActivationSize> activations) {
  return slot.has_forward() ? activations[slot.stage].total : 0;
}

int64_t given_back(const Slot& slot, std::span<const ActivationSize> activations) {
  if (slot.kind == SlotKind::kF) return 0;
  const ActivationSize& size = activations[slot.backward_pass_stage()];
  return (slot.has_input_backward() ? size.total - size.kept_for_weight : 0) +
         (slot.has_weight_backward() ? size.kept_for_weight : 0);
}

// What a slot holds for a moment while it runs.
int64_t during(const Slot& slot, std::span<const StageTemporaries> temporaries) {
  const bool backward = !temporaries.empty() && slot.has_input_backward();
  return backward ? temporaries[slot.backward_pass_stage()].backward_bytes : 0;
}

// What a slot takes before it gives anything back. Where F and a backward pass go layer by layer that is one layer, if
// it is known; else all that F saves.
int64_t taken_first(const Slot& slot, std::span<const ActivationSize> activations,
                    std::span<const StageTemporaries> temporaries) {
  const int64_t all = taken(slot, activations);
  const bool side_by_side = !temporaries.empty() && slot.has_forward() && slot.has_input_backward();
  return side_by_side ? std::min(all, temporaries[slot.stage].layer_bytes) : all;
}

}  // namespace

std::vector<int64_t> peak_activations(const Schedule& schedule, std::span<const ActivationSize> activations) {
  std::vector<int64_t> peaks;
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    int64_t held = 0;
    int64_t peak = 0;
    for (const Slot& slot : schedule.slots_of(rank)) {
      held += taken(slot, activations);
      peak = std::max(peak, held);
      held -= given_back(slot, activations);
      peak = std::max(peak, held);
    }
    peaks.push_back(peak);
  }
  return peaks;
}

std::vector<PeakHeld> peak_held(const Schedule& schedule, std::span<const ActivationSize> activations,
                                std::span<const StageTemporaries> temporaries) {
  std::vector<PeakHeld> peaks;
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    PeakHeld peak;
    int64_t held = 0;
    const auto consider = [&](int64_t temporary) {
      if (held + temporary > peak.total()) peak = {held, temporary};
    };
    for (const Slot& slot : schedule.slots_of(rank)) {
      const int64_t first = taken_first(slot, activations, temporaries);
      held += first;
      consider(during(slot, temporaries));
      held += taken(slot, activations) - first - given_back(slot, activations);
      consider(0);
      if (!temporaries.empty() && slot.has_input_backward()) {
        consider(temporaries[slot.backward_pass_stage()].embedding_bytes);
      }
    }
    peaks.push_back(peak);
  }
  return peaks;
}

std::vector<AliveAtPeak> alive_at_peak(const Schedule& schedule, std::span<const ActivationSize> activations,
                                       int rank) {
  std::map<int, AliveAtPeak> alive;
  std::map<int, AliveAtPeak> fullest;
  int64_t held = 0;
  int64_t peak = 0;
  const auto hold = [&](int64_t change) {
    held += change;
    if (held <= peak) return;
    peak = held;
    fullest = alive;
  };
  for (const Slot& slot : schedule.slots_of(rank)) {
    if (slot.has_forward()) ++alive[slot.stage].whole;
    hold(taken(slot, activations));
    if (slot.kind == SlotKind::kF) continue;
    AliveAtPeak& stage = alive[slot.backward_pass_stage()];
    if (slot.has_input_backward()) {
      --stage.whole;
      ++stage.for_weight;
    }
    if (slot.has_weight_backward()) --stage.for_weight;
    hold(-given_back(slot, activations));
  }
  std::vector<AliveAtPeak> stages;
  for (auto& [stage, counts] : fullest) {
    counts.stage = stage;
    if (counts.whole + counts.for_weight > 0) stages.push_back(counts);
  }
  return stages;
}

std::vector<MemoryPoint> activation_curve(const Schedule& schedule, const Timeline& timeline,
                                          std::span<const ActivationSize> activations, int rank,
                                          std::span<const StageTemporaries> temporaries) {
  std::vector<MemoryPoint> curve = {{0, 0}};
  const auto step = [&](int64_t time_ns, int64_t change) {
    if (change == 0) return;
    const int64_t held = curve.back().held + change;
    if (curve.back().time_ns == time_ns) {
      curve.back().held = held;
    } else {
      curve.push_back({time_ns, held});
    }
  };
  uint32_t number = schedule.first_slot(rank);
  for (const Slot& slot : schedule.slots_of(rank)) {
    const int64_t first = taken_first(slot, activations, temporaries);
    const int64_t later = taken(slot, activations) - first;
    step(timeline.start_ns[number], first + during(slot, temporaries));
    step(timeline.end_ns[number], later - given_back(slot, activations) - during(slot, temporaries));
    ++number;
  }
  return curve;
}

}  // namespace pipeloom::sim
