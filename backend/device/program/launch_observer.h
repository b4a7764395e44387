#pragma once

#include "backend/device/kernels/stream.h"
#include "backend/device/program/launch_program.h"

namespace pipeloom::backend {

// Told around every launch that is enqueued, on the enqueuing thread: how a trace knows what a kernel belongs to.
class LaunchObserver {
 public:
  virtual ~LaunchObserver() = default;
  virtual void begins(const Launch& launch, StreamHandle stream) = 0;
  virtual void ends(const Launch& launch, StreamHandle stream) = 0;
};

}  // namespace pipeloom::backend
