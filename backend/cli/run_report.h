#pragma once

#include "backend/cli/run_options.h"
#include "backend/cli/step_printer.h"
#include "backend/device/run/device_run.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// Fails where a file that the command line asks for can't be written: before the first step, not after the last.
Status check_outputs(const CommandOptions& options);

// Prints what a run has left and writes the files that the command line asks for. `printer` has printed its steps;
// null: it was paced.
Status report_run(const CommandOptions& options, const RunOutput& output, const Plan& plan,
                  const DeviceRunResult& result, StepPrinter* printer);

}  // namespace pipeloom::backend
