#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backend/device/kernels/stream.h"
#include "core/base/result.h"
#include "core/tasks/trace.h"

namespace pipeloom::backend {

// Runs the steps of one launch program on one device.
class LaunchedSteps {
 public:
  // Enqueues what has to come before a step's tasks.
  using Before = std::function<void(StreamHandle)>;

  virtual ~LaunchedSteps() = default;

  // Enqueues what comes before, then the step, and waits for its end. Returns how long the tasks took on the device.
  virtual Result<int64_t> run(const Before& before) = 0;

  struct Traced {
    std::vector<Span> spans;  // in times from the step's begin
    int64_t begin_ns = 0;     // when it began, on the steady clock of the host
    std::string by;           // "CUPTI" or why events were used instead
  };
  // Runs a step launch by launch, traced.
  virtual Result<Traced> run_traced(const Before& before, int replica) = 0;

  // Says how steps are run now: "one CUDA graph of 1234 nodes", or "launch by launch: " and why.
  virtual std::string how() const = 0;
};

}  // namespace pipeloom::backend
