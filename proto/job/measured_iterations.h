#pragma once

#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/job/measured_iteration.h"

namespace pipeloom::proto {

// Rows of a CSV file with the columns setting, gpus, global_batch, micro_batch, hidden, heads, layers, sequence,
// tensor_parallel, data_parallel, pipeline_parallel, iteration_ms. Errors name `path`, line and column.
Result<std::vector<MeasuredIteration>> parse_measured_iterations(std::string_view path, std::string_view csv);

}  // namespace pipeloom::proto
