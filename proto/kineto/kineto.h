#pragma once

#include <string>

#include "core/result.h"
#include "proto/kineto/run.h"

namespace pipeloom {

// A trace of PyTorch's profiler, .json or .json.gz, read as a stream: beside what is kept of it, a few MB of memory.
// Errors name path, line and column. Other events than kernels, copies and ranges of pipeline schedules are skipped.
Result<KinetoRun> read_kineto(const std::string& path);

}  // namespace pipeloom
