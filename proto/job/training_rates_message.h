#pragma once

#include "core/base/result.h"
#include "core/job/training_rates.h"

namespace pipeloom::message {
class StepErrors;
class TrainingRates;
}  // namespace pipeloom::message

namespace pipeloom::proto {

void store_step_errors(const StepErrors& errors, message::StepErrors* message);
StepErrors load_step_errors(const message::StepErrors& message);
void store_training_rates(const TrainingRates& rates, message::TrainingRates* message);
Result<TrainingRates> load_training_rates(const message::TrainingRates& message);

}  // namespace pipeloom::proto
