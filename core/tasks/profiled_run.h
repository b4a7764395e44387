#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/schedule/slot.h"

namespace pipeloom {

// What a profiler saw of one process: kernels and copies on the streams of its GPUs, and the slots of a pipeline
// schedule if the program named them. Times in ns of the profiler's clock: only differences mean something.
struct ProfiledRun {
  static constexpr int64_t kUnknown = INT64_MIN;

  struct Kernel {
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    int64_t launch_ns = kUnknown;  // when the host launched it; kept only if no range is on the GPU
    uint32_t name = 0;             // index into `names`
    uint32_t stream = 0;           // index into `streams`
    uint32_t blocks = 0;           // blocks of the grid; 0: a copy

    int64_t duration_ns() const { return end_ns - begin_ns; }
  };
  struct Range {
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    Slot slot;
    bool on_gpu = false;  // true: from the first kernel to the last on `stream`; false: the time in which the host
                          // launched them
    uint32_t stream = 0;  // index into `streams`
  };
  struct Stream {
    int64_t device = 0;
    int64_t number = 0;
    bool operator==(const Stream&) const = default;
  };

  std::vector<Kernel> kernels;  // in order of begin
  std::vector<Range> ranges;    // in order of begin
  std::vector<Stream> streams;
  std::vector<std::string> names;
  int sms = 0;  // SMs of the GPU; 0: unknown
  std::optional<int> rank;
};

}  // namespace pipeloom
