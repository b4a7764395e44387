#pragma once

#include <string>
#include <vector>

#include "core/job/training_constants.h"
#include "planner/app/published_prediction.h"

namespace pipeloom::planner {

// A row of a fit: a published training that can be said, and its measured step.
struct FitRow {
  proto::PublishedTraining training;
  Job job;  // with published rates, to which factors are applied
  double measured_seconds = 0;
  bool judged = false;
  double weight = 1;
};

// Trainings that can be said and whose step is known. What is judged counts 1; earlier figures of settings that were
// read count a fifth, the rest nothing.
std::vector<FitRow> fit_rows(const std::vector<proto::PublishedTraining>& trainings, const ModelTexts& texts);

// Predicted / measured - 1.
double fit_error(const FitRow& row, const ConstantFactors& factors);

struct FitOptions {
  // Where the constants start and what they are drawn to: what was known before any fit, or `known`.
  bool from_known = false;
  ConstantFactors known;
  std::vector<std::string> held;  // constants that stay as they are known
};

// The factors that fit the rows of weight above 0.
ConstantFactors fit_constants(const std::vector<FitRow>& rows, const FitOptions& options);

// Rows that were predicted by constants that were fitted without them. REQUIRES: the rows outlive this.
struct LeftOut {
  std::vector<const FitRow*> rows;
  std::vector<double> errors;  // predicted / measured - 1
};
// Leaves out in turn the rows that have the same values in these columns, and predicts those of them that are judged.
LeftOut leave_out(const std::vector<FitRow>& rows, const FitOptions& options, const std::vector<std::string>& columns);

// The factors, and what the errors say of steps that are predicted: quantiles, of models without and with experts.
FittedConstants with_errors_of(const LeftOut& left, ConstantFactors factors);

}  // namespace pipeloom::planner
