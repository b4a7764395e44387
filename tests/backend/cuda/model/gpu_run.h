#pragma once

#include <map>
#include <string>
#include <vector>

#include "backend/model/tokens.h"
#include "backend/model/training.h"
#include "core/plan.h"

namespace pipeloom::tests {

// Trains on the device under test: all ranks of all replicas of the plan, task by task in an order that the task graph
// allows; the host carries what ranks send each other. Returns the losses as train_sequentially does.
// `seed`: of the order, among those that are allowed.
TrainingResult train_on_device(const Plan& plan, const TextTokens& text, int64_t steps, const TrainingOptions& options,
                               uint64_t seed = 0);

// The gradients of the first step, by StageParameter::name.
std::map<std::string, std::vector<float>> gradients_on_device(const Plan& plan, const TextTokens& text,
                                                              const TrainingOptions& options);

}  // namespace pipeloom::tests
