#pragma once

#include <random>

#include "core/tasks/plan.h"
#include "core/tasks/trace.h"

namespace pipeloom::tests {

// Legal jobs, plans and traces that use every field now and then. The same seed gives the same one.
Job random_job(std::mt19937_64& random);
Schedule random_schedule(std::mt19937_64& random);
Plan random_plan(std::mt19937_64& random);
Trace random_trace(std::mt19937_64& random, int spans);

// Every rank runs all F of a stage in turn, then all backwards; `micro_batches` on `ranks` ranks of a linear placement.
Schedule gpipe(int ranks, int micro_batches);

}  // namespace pipeloom::tests
