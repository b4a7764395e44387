#pragma once

#include <vector>

#include "tests/support/reference_schedule.h"

namespace pipeloom::tests {

// Reads every compute vector of tests/data/vectors.
std::vector<ReferenceOrder> all_references();

// Makes schedules of the references with at most `ranks` ranks and `micro_batches` micro-batches, for tests that look
// at every slot.
std::vector<Schedule> small_reference_schedules(int ranks = 8, int micro_batches = 24);

}  // namespace pipeloom::tests
