#pragma once

#include "core/job/job.h"

namespace pipeloom::sim {

// Seconds in which the host launches a layer's passes, without what CUDA graphs replay.
struct HostSeconds {
  double forward = 0;
  double backward = 0;
};
HostSeconds host_seconds(const Job& job, bool experts);

}  // namespace pipeloom::sim
