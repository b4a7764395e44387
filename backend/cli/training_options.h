#pragma once

#include "backend/cli/run_options.h"
#include "backend/model/tokens.h"
#include "backend/model/training.h"
#include "core/job/job.h"

namespace pipeloom::backend {

// What the command line says of training, for every device.
Result<TextTokens> read_text(const CommandOptions& options, const Job& job);
TrainingOptions training_options(const CommandOptions& options);
int64_t patience_ns(const CommandOptions& options);

// Fails where options of checkpoints are given without a folder for them.
Status check_checkpoints(const CommandOptions& options);

}  // namespace pipeloom::backend
