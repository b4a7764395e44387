#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/costs/costs.h"
#include "core/costs/step_costs.h"
#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"

namespace pipeloom::sim {

// [rank] Returns the most that the rank holds at once, in the unit of `activations` ([stage]). Depends only on the
// ranks' orders. In a pair the forward counts first.
std::vector<int64_t> peak_activations(const Schedule& schedule, std::span<const ActivationSize> activations);

// What a rank holds of its micro-batches at once, at most: what passes saved, and what a pass holds for a moment.
struct PeakHeld {
  int64_t activations = 0;
  int64_t temporaries = 0;

  int64_t total() const { return activations + temporaries; }
  bool operator==(const PeakHeld&) const = default;
};

// [rank] Returns the fullest moment. `temporaries` ([stage]) come on top while a backward pass runs and at its end;
// empty: there are none, and the activations are those of peak_activations. With them an overlapped pair's F fills what
// its backward pass frees, layer by layer.
std::vector<PeakHeld> peak_held(const Schedule& schedule, std::span<const ActivationSize> activations,
                                std::span<const StageTemporaries> temporaries);

// What a rank holds of one of its stages at its fullest moment, in micro-batches.
struct AliveAtPeak {
  int stage = 0;
  int whole = 0;       // micro-batches whose F has begun and whose I has not ended
  int for_weight = 0;  // micro-batches whose I has ended and whose W has not

  bool operator==(const AliveAtPeak&) const = default;
};

// Returns the rank's stages at its fullest moment, by stage; the first such moment if there are several.
std::vector<AliveAtPeak> alive_at_peak(const Schedule& schedule, std::span<const ActivationSize> activations, int rank);

struct MemoryPoint {
  int64_t time_ns = 0;
  int64_t held = 0;  // held from this time on

  bool operator==(const MemoryPoint&) const = default;
};

// Returns what `rank` holds over time: a step curve that starts at (0, 0), one point per change. `temporaries`
// ([stage]) come on top while a backward pass runs; empty: there are none.
std::vector<MemoryPoint> activation_curve(const Schedule& schedule, const Timeline& timeline,
                                          std::span<const ActivationSize> activations, int rank,
                                          std::span<const StageTemporaries> temporaries = {});

}  // namespace pipeloom::sim
