#pragma once

#include <nlohmann/json_fwd.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "planner/app/published_prediction.h"
#include "planner/cli/text_table.h"
#include "planner/validate/error_summary.h"

namespace pipeloom::planner {

// A row: a name, how many errors, and their median, mean, p90 and bias.
void add_errors(TextTable& table, const std::string& name, const ErrorSummary& summary);

// Prints every training with its error, the errors by group, memory by counter, and what can't be said.
void print_published(const std::vector<PublishedPrediction>& predictions, std::ostream& out);
nlohmann::json published_json(const std::vector<PublishedPrediction>& predictions);

}  // namespace pipeloom::planner
