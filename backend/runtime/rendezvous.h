#pragma once

#include <cstdint>
#include <map>

#include "backend/transport/endpoint.h"

namespace pipeloom {

// What all ranks know when a step begins.
struct StepStart {
  int64_t begin_ns = 0;  // steady time of rank 0
  double loss_sum = 0;   // of the step before: over all micro-batches, in their order
};

// Where all ranks meet before the first step and after each. `losses`: those of this rank, by micro-batch of the whole
// batch. `plan_digest`: rank 0 refuses a rank that runs another plan. The first meeting has the number 0.
Result<StepStart> meet(Endpoint& endpoint, int64_t number, uint64_t plan_digest,
                       const std::map<int64_t, double>& losses, int64_t patience_ns);

}  // namespace pipeloom
