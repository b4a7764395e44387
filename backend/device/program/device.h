#pragma once

#include <cstdint>

#include "backend/device/program/launch_program.h"

namespace pipeloom::backend {

// What runs a launch program: a GPU, or a fake one in tests. Every method enqueues and returns. Used by one thread.
// Streams and events are those of the program; the origin is the stream after its last.
class Device {
 public:
  virtual ~Device() = default;

  virtual void launch(uint32_t stream, const Launch& launch) = 0;
  virtual void record(uint32_t stream, uint32_t event) = 0;
  virtual void wait(uint32_t stream, uint32_t event) = 0;
};

// Enqueues one step.
void issue(const LaunchProgram& program, Device& device);

}  // namespace pipeloom::backend
