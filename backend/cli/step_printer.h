#pragma once

#include <cstdint>
#include <optional>

#include "backend/cli/run_options.h"
#include "backend/runtime/training/train.h"

namespace pipeloom::backend {

// Prints what a run says of its steps, as text or as JSON lines; on a terminal a progress bar beside it.
class StepPrinter {
 public:
  // `tokens`: of one step. `first_step`: of this run, after a resume.
  StepPrinter(const CommandOptions& options, const RunOutput& output, int64_t tokens)
      : options_(options), output_(output), tokens_(tokens) {}

  void step(const StepReport& report);
  // Equal digests, equal parameters; equal moving averages, where the job has them.
  void end(uint64_t parameters_digest, std::optional<uint64_t> averages_digest);

 private:
  void bar(int64_t done) const;

  const CommandOptions& options_;
  const RunOutput& output_;
  int64_t tokens_;
};

}  // namespace pipeloom::backend
