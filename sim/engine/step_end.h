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
  int64_t ema_end_ns = 0;             // end of the moving average, which begins with the step; 0: none
  int64_t optimizer_begin_ns = 0;
  int64_t optimizer_end_ns = 0;
  int64_t norm_begin_ns = 0;  // norm of all gradients; 0 if they are not clipped
  int64_t norm_end_ns = 0;
};

struct StepEnd {
  std::vector<RankEnd> ranks;
  int64_t step_ns = 0;  // time per step: when the last task of all ends
};

// Times the end of a step. A stage's gradients are reduced when the last W of every copy of the stage has ended. Each
// rank reduces its stages from the last to the first, as gradients become ready, and then runs its optimizer.
// Reductions beside compute cost neither anything. With global clipping all optimizers wait for the norm over all
// ranks; a validated norm follows them.
StepEnd step_end(const Schedule& schedule, const Timeline& timeline, const StepCosts& costs,
                 Clipping clipping = Clipping::kNone);

// Times the end of a step from when each stage's gradients are ready ([stage]) and when each rank has run all its slots
// ([rank]).
StepEnd step_end(const Placement& placement, std::span<const int64_t> gradients_ready_ns,
                 std::span<const int64_t> compute_free_ns, const StepCosts& costs, Clipping clipping);

}  // namespace pipeloom::sim
