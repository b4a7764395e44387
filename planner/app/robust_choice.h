#pragma once

#include <optional>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"
#include "planner/app/order_search.h"
#include "planner/app/search_limits.h"
#include "planner/robust/robust_plan.h"
#include "planner/subject/subject.h"
#include "sim/robust/robustness.h"

namespace pipeloom::planner {

struct RobustRequest {
  bool named = true;                       // choose among the named schedules
  std::optional<OrderRequest> order = {};  // search orders too, with `effort`
  SearchEffort effort = {};
  std::optional<int> comm_sms = {};  // absent: as many as is best
};

// The order that 95 % of the steps are shortest with.
struct RobustChoice {
  Subject subject;
  sim::Robustness robustness;
  sim::SampleOptions samples;               // of `robustness`
  std::vector<RobustCandidate> candidates;  // the least p95 first
};
// Fails where nothing scatters, or no schedule fits the memory.
Result<RobustChoice> choose_robust(const Job& job, const RobustRequest& request);

}  // namespace pipeloom::planner
