#pragma once

#include <string>
#include <vector>

#include "core/result.h"
#include "planner/interchange/kineto_summary.h"
#include "planner/interchange/pass_trace.h"
#include "proto/kineto/run.h"

namespace pipeloom {

bool is_kineto_path(const std::string& path);

std::vector<RunKernel> kernels_of(const KinetoRun& run);

// The slots that ranges of PyTorch's pipeline schedules ("PP:0F0") name, where the GPU ran them; those that the host
// alone knows of, where it launched them. Others than passes are left out.
std::vector<MeasuredSlot> slots_of(const KinetoRun& run);

// A run of PyTorch as a trace of the plan, for diff and calibrate.
Result<Trace> read_kineto_trace(const std::string& path, const Plan& plan);

}  // namespace pipeloom
