#pragma once

#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"

namespace pipeloom::proto {

// The rows of a CSV with the header layer,f_us,i_us,w_us. `path` is only for messages: "layers.csv:3:5: ...".
std::string measured_layers_to_csv(const std::vector<MeasuredLayer>& layers);
Result<std::vector<MeasuredLayer>> parse_measured_layers(std::string_view path, std::string_view csv);

}  // namespace pipeloom::proto
