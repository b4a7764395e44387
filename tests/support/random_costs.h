#pragma once

#include <cstdint>
#include <random>

#include "core/costs/costs.h"
#include "core/schedule/schedule.h"

namespace pipeloom::tests {

// Draws different F, I and W for every stage, pairs between max(F, B) and F + B, and one latency for all links.
ScheduleCosts random_costs(const Schedule& schedule, uint32_t seed, const LinkCost& link, int64_t message_bytes = 0);

}  // namespace pipeloom::tests
