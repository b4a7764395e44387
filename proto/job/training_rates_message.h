#pragma once

#include "core/base/result.h"
#include "core/job/training_rates.h"

namespace pipeloom::message {
class TrainingRates;
}

namespace pipeloom::proto {

void store_training_rates(const TrainingRates& rates, message::TrainingRates* message);
Result<TrainingRates> load_training_rates(const message::TrainingRates& message);

}  // namespace pipeloom::proto
