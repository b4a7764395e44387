#pragma once

#include <cstdint>

#include "backend/cli/run_options.h"
#include "backend/runtime/train.h"

namespace pipeloom {

// Prints what a run says of its steps, as text or as JSON lines; on a terminal a progress bar beside it.
class StepPrinter {
 public:
  // `tokens`: of one step. `first_step`: of this run, after a resume.
  StepPrinter(const CommandOptions& options, const RunOutput& output, int64_t tokens)
      : options_(options), output_(output), tokens_(tokens) {}

  void step(const StepReport& report);
  // `parameters_digest`: equal digests, equal parameters.
  void end(uint64_t parameters_digest);

 private:
  void bar(int64_t done) const;

  const CommandOptions& options_;
  const RunOutput& output_;
  int64_t tokens_;
};

}  // namespace pipeloom
