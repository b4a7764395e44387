#pragma once

#include <cstdint>

// What CUPTI would report.
namespace pipeloom::emulation {

// For an API call of this thread; notes which external id it is made under.
uint32_t next_correlation();
void reset_activities();

}  // namespace pipeloom::emulation
