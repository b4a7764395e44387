#pragma once

#include <iosfwd>

#include "backend/device/table/device_table.h"

namespace pipeloom::backend {

// The `pipeloom-run` command: parses, runs a plan, prints. Returns the exit code: 0, 1 for a bad input or a run that
// failed, 2 for bad usage, 75 for a run that a signal has stopped. `progress`: a bar on `err`. `devices`: what it may
// run on, and all that it knows of them.
int run_pipeloom_run(int argc, const char* const* argv, std::ostream& out, std::ostream& err, bool progress,
                     const DeviceTable& devices);

}  // namespace pipeloom::backend
