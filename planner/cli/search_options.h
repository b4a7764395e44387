#pragma once

#include "core/base/result.h"
#include "planner/app/order_search.h"
#include "planner/app/search_limits.h"
#include "planner/cli/command.h"

namespace pipeloom::planner {

// Read what the options of `plan` say about a search.
Result<SearchEffort> effort_of(const SearchOptions& options);
Result<OrderRequest> order_request_of(const PlanOptions& options);

}  // namespace pipeloom::planner
