#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/result.h"
#include "core/job/job.h"

namespace pipeloom::planner {

struct Times {
  DirectCosts costs;
  int64_t link_ns = 0;
};

// Reads "F=1,I=1,W=1,pair=3,link=0.1": pass times in units (kNsPerUnit), exact to six decimals. A value may be a list
// with one entry per stage ("F=1:1.2:1:1"). B stands for I and W together; given alone it is split into halves.
Result<Times> parse_times(std::string_view text);

}  // namespace pipeloom::planner
