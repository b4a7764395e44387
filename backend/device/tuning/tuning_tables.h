#pragma once

#include <string>

#include "backend/device/tuning/tuning.h"

namespace pipeloom::backend {

// Every measurement as CSV, for people and plots: a row for each copy, dispatch and combine, and for each variant
// three, alone and beside either kernel. Cells of what a row does not have are empty.
std::string measurements_csv(const TuneMeasurements& measured);

// The fewest SMs that come near the highest rate for each size of message (best_copy).
std::string copies_table(const TuneMeasurements& measured);

// What a product and a memory-bound kernel lose beside each variant, and how often L2 has what is asked for; or why
// that was not counted.
std::string variants_table(const TuneMeasurements& measured);

}  // namespace pipeloom::backend
