#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"

namespace pipeloom::sim {

// What follows a rank's passes: reductions of its stages' gradients on the dp lane, then the optimizer.
struct RankEnd {
  struct Reduction {
    int stage = 0;
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
  };
  std::vector<Reduction> reductions;  // in the order in which they run
  int64_t ema_end_ns = 0;             // of the moving average, which begins with the step; 0: none
  int64_t optimizer_begin_ns = 0;
  int64_t optimizer_end_ns = 0;
  int64_t norm_begin_ns = 0;  // of all gradients; 0 where they are not clipped
  int64_t norm_end_ns = 0;
};

struct StepEnd {
  std::vector<RankEnd> ranks;
  int64_t step_ns = 0;  // when the last task of all ends: time per step
};

// A stage's gradients are reduced when the last W of every copy of the stage has ended; the reductions of one rank run
// from its last stage to its first, as gradients become ready, then its optimizer. Reductions overlap with compute at
// no cost to either. With global clipping all optimizers wait for the norm over all ranks; a validated one follows
// them.
StepEnd step_end(const Schedule& schedule, const Timeline& timeline, const StepCosts& costs,
                 Clipping clipping = Clipping::kNone);

// The same from when the last W of every copy of a stage has ended, and when each rank has run all its slots.
StepEnd step_end(const Placement& placement, std::span<const int64_t> gradients_ready_ns,
                 std::span<const int64_t> compute_free_ns, const StepCosts& costs, Clipping clipping);

}  // namespace pipeloom::sim
