#pragma once

#include <cstdint>

#include "core/tasks/plan.h"

namespace pipeloom::tests {

// When the last task of a launched step ends if nothing but the plan holds tasks up.
int64_t makespan_ns(const Plan& plan);

}  // namespace pipeloom::tests
