#pragma once

#include <map>
#include <string>
#include <vector>

#include "backend/model/tokens.h"
#include "backend/model/training.h"
#include "core/tasks/plan.h"

namespace pipeloom::tests {

// Trains on the device under test: all ranks of all replicas of the plan, task by task in an order that the task graph
// allows; the host carries what ranks send each other. Returns the losses as train_sequentially does.
// `seed`: of the order, among those that are allowed.
backend::TrainingResult train_on_device(const Plan& plan, const backend::TextTokens& text, int64_t steps,
                                        const backend::TrainingOptions& options, uint64_t seed = 0);

// What all ranks of all replicas take, in bytes.
int64_t memory_on_device(const Plan& plan, const backend::TextTokens& text);

// The gradients of the first step, by StageParameter::name.
std::map<std::string, std::vector<float>> gradients_on_device(const Plan& plan, const backend::TextTokens& text,
                                                              const backend::TrainingOptions& options);

// Of some steps with moving averages: their digest, and that of averages of the weights as they were after each step.
struct AveragesDigests {
  uint64_t actual = 0;
  uint64_t expected = 0;
};
AveragesDigests averages_on_device(const Plan& plan, const backend::TextTokens& text, int64_t steps,
                                   const backend::TrainingOptions& options);

// Checkpoints by name, as runs write them.
using Checkpoints = std::map<std::string, std::string>;
// What is left after so many steps.
Checkpoints checkpoints_on_device(const Plan& plan, const backend::TextTokens& text, int64_t steps,
                                  const backend::TrainingOptions& options);
// Goes on after step number `done`; `again`: what would be written before that.
backend::TrainingResult resume_on_device(const Plan& plan, const backend::TextTokens& text,
                                         const Checkpoints& checkpoints, int64_t done, int64_t steps,
                                         const backend::TrainingOptions& options, Checkpoints& again);

}  // namespace pipeloom::tests
