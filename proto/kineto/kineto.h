#pragma once

#include <string>

#include "core/base/result.h"
#include "core/tasks/profiled_run.h"

namespace pipeloom::proto {

// A trace of PyTorch's profiler (Kineto), .json or .json.gz, read as a stream: beside what is kept of it, a few MB of
// memory. Errors name path, line and column. Kept are kernels, copies and the ranges in which
// torch.distributed.pipelining wraps its passes ("PP:0F0").
Result<ProfiledRun> read_kineto(const std::string& path);

}  // namespace pipeloom::proto
