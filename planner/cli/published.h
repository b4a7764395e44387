#pragma once

#include <string>

#include "planner/cli/command.h"

namespace pipeloom::planner {

// `validate --published`: predicts every training of a CSV and prints how far off the predictions are. The models'
// config.json files lie in models/ beside it.
Status run_published(const ValidateOptions& options, const Output& output);

}  // namespace pipeloom::planner
