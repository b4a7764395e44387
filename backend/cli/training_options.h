#pragma once

#include "backend/cli/run_options.h"
#include "backend/model/tokens.h"
#include "backend/model/training.h"
#include "core/job.h"

namespace pipeloom {

// What the command line says of training, for every device.
Result<TextTokens> read_text(const CommandOptions& options, const Job& job);
TrainingOptions training_options(const CommandOptions& options);
int64_t patience_ns(const CommandOptions& options);

}  // namespace pipeloom
