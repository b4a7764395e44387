#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"

namespace pipeloom::proto {

// The rows of a CSV with the header layer,expert,tokens, layer by layer. `path` is only for messages.
std::string expert_loads_to_csv(const std::vector<ExpertLoad>& loads);
// Experts that have no row have no tokens. Which layers and experts there are is the job's to check.
Result<std::vector<ExpertLoad>> parse_expert_loads(std::string_view path, std::string_view csv);

}  // namespace pipeloom::proto
