#pragma once

#include <nlohmann/json_fwd.hpp>
#include <ostream>
#include <vector>

#include "planner/app/published_prediction.h"

namespace pipeloom::planner {

// Prints every training with its error, the errors by group, memory by counter, and what can't be said.
void print_published(const std::vector<PublishedPrediction>& predictions, std::ostream& out);
nlohmann::json published_json(const std::vector<PublishedPrediction>& predictions);

}  // namespace pipeloom::planner
