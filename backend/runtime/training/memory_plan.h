#pragma once

#include <cstdint>
#include <string>

#include "backend/model/training.h"
#include "backend/runtime/program/rank_program.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// What one rank of a training run needs at its fullest moment, at most. Bytes.
struct RankMemoryPlan {
  int64_t states = 0;       // weights, sums of gradients, optimizer state
  int64_t activations = 0;  // of the micro-batches in flight, with what one call needs besides
  int64_t messages = 0;     // receive buffers, and outputs that wait to be sent
  int64_t reductions = 0;   // gradients and weights that replicas send each other at the end of the step

  int64_t total() const { return states + activations + messages + reductions; }
};

// How many tokens a rank's experts get: all of their EP group, which is safe; or twice an even share.
enum class RoutedTokens : uint8_t { kAll, kTwiceEven };

// Follows the rank's tasks through one step. `program` is for `rank` of the pipeline. Pure.
RankMemoryPlan plan_memory(const Plan& plan, const RankProgram& program, const TrainingOptions& options,
                           RoutedTokens routed = RoutedTokens::kAll);

// Whether `ranks_here` of the run's ranks, whichever they are, fit together into `available_bytes`; the error names the
// fullest rank and its parts. Where only a gate that prefers few ranks could need more, a warning; else "".
Result<std::string> check_memory(const Plan& plan, const TaskGraph& graph, const TrainingOptions& options,
                                 int ranks_here, int64_t available_bytes);

// Of this machine, for programs that ask now; INT64_MAX where the system does not say.
int64_t available_memory_bytes();

}  // namespace pipeloom::backend
