#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/costs.h"
#include "core/schedule.h"
#include "core/timeline.h"

namespace pipeloom {

// The most that each rank holds at once, in the unit of `activations` ([stage]). Depends on the ranks' orders only: in
// a pair the forward counts first.
std::vector<int64_t> peak_activations(const Schedule& schedule, std::span<const ActivationSize> activations);

struct MemoryPoint {
  int64_t time_ns = 0;
  int64_t held = 0;  // from this time on

  bool operator==(const MemoryPoint&) const = default;
};

// What `rank` holds over time: a step curve that starts at (0, 0), one point per change.
std::vector<MemoryPoint> activation_curve(const Schedule& schedule, const Timeline& timeline,
                                          std::span<const ActivationSize> activations, int rank);

}  // namespace pipeloom
