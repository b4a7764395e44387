#pragma once

#include <cstdint>
#include <vector>

#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "core/schedule/placement.h"
#include "core/schedule/schedule.h"

namespace pipeloom::planner {

// What a rank holds at its fullest moment: bytes; without a model, only activations, in millionths of an activation.
// The three totals are what the three counters of a GPU's memory show; without software their parts are estimates.
struct RankMemory {
  StageState state = {};        // over all chunks
  int64_t activations = 0;      // at their peak
  int64_t receive_buffers = 0;  // posted receive buffers; with software among the temporaries
  int64_t temporaries = 0;      // that come on top at the peak (a job with software)
  int64_t dummy_gradients = 0;  // that are never freed (a job with software)
  Reserve reserve = {};

  // All tensors: PyTorch's max_memory_allocated.
  int64_t allocated() const { return lasting() + activations + receive_buffers + temporaries; }
  // Tensors and what the allocator can't hand out: max_memory_reserved.
  int64_t reserved() const { return allocated() + reserve.fragmentation_bytes; }
  // All that the GPU is without: nvidia-smi. It decides whether a job fits.
  int64_t total() const { return reserved() + reserve.runtime_bytes + reserve.communication_bytes; }
  // What is there through the whole step, outside of fragmentation.
  int64_t lasting() const { return state.total_bytes() + dummy_gradients + reserve.workspace_bytes; }
};

// [rank] Returns what the ranks hold with an order.
std::vector<RankMemory> rank_memory(const Job& job, const Schedule& schedule, const StepCosts& costs);

// Returns what a rank holds with any order: the states of its chunks, posted receive buffers and the reserve.
RankMemory fixed_memory(const Job& job, const Placement& placement, const StepCosts& costs, int rank);

// Returns all that a rank with `fixed` holds, besides so many bytes of activations at once.
int64_t total_with(const Job& job, const RankMemory& fixed, int64_t activations);

// Returns the activations that a rank may hold at once, whatever the order: what the GPU has left beside `fixed`, the
// largest temporaries of the rank's passes and fragmentation. Negative if not even these fit.
int64_t activations_within(const Job& job, const RankMemory& fixed, const Placement& placement, const StepCosts& costs,
                           int rank);

// Returns the bytes that a rank may use; 0: no limit is known, or the job has no model.
int64_t memory_limit_bytes(const Job& job);

}  // namespace pipeloom::planner
