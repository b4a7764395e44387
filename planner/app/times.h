#pragma once

#include <string_view>

#include "core/base/result.h"
#include "planner/app/job_changes.h"

namespace pipeloom::planner {

// Reads "F=1,I=1,W=1,pair=3,link=0.1": pass times in units (kNsPerUnit), exact to six decimals. A value may be a list
// with one entry per stage ("F=1:1.2:1:1"). B stands for I and W together; given alone it is split into halves.
Result<PassTimes> parse_times(std::string_view text);

}  // namespace pipeloom::planner
