#pragma once

#include <string>

#include "planner/app/published_model.h"
#include "planner/cli/command.h"

namespace pipeloom::planner {

// `validate --published`: predicts every training of a CSV and prints how far off the predictions are. The models'
// config.json files lie in models/ beside it.
Status run_published(const ValidateOptions& options, const Output& output);

// `calibrate --published`: fits the constants of training software to the trainings of a CSV, and says how well they
// predict those that were left out of the fit.
Status run_calibrate_published(const CalibrateOptions& options, const Output& output);

// Reads config.json files from the folder models/ beside a CSV.
ModelTexts texts_beside(const std::string& csv_path);

}  // namespace pipeloom::planner
