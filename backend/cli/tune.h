#pragma once

#include <string>

#include "backend/cli/run_options.h"

namespace pipeloom::backend {

// The command line of `pipeloom-run tune`.
struct TuneCommand {
  int device = 0;
  std::string gpu = "H100";  // whose file is the start: a GPU that Pipeloom knows
  std::string output_path;   // the GPU file to write
  std::string csv_path;      // every measurement; empty: not written
};

// Measures a GPU of the first device that can be tuned and writes a GPU file, which a job names as `gpu_file`: the
// planner then chooses the SMs and the message size of communication from it.
Status run_tune(const TuneCommand& command, const RunOutput& output, const DeviceTable& devices);

}  // namespace pipeloom::backend
