#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "proto/string_table.h"

namespace pipeloom {

// What PyTorch's profiler (Kineto) saw of one process: kernels and copies on the streams of its GPUs, and the ranges
// that the program named.
struct KinetoRun {
  struct Kernel {
    int64_t begin_ns = 0;  // as Kineto counts; only differences mean something
    int64_t end_ns = 0;
    uint32_t name = 0;    // `names`
    uint32_t stream = 0;  // `streams`
    uint32_t blocks = 0;  // of its grid; 0: a copy
  };
  struct Range {
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    uint32_t name = 0;
    bool on_gpu = false;  // from its first kernel to its last; else where the host launched them
  };
  struct Stream {
    int64_t device = 0;
    int64_t number = 0;
    bool operator==(const Stream&) const = default;
  };

  std::vector<Kernel> kernels;  // in order of time
  std::vector<Range> ranges;    // in order of time; those of PyTorch's pipeline schedules: "PP:0F0"
  std::vector<Stream> streams;
  StringTable names;
  int sms = 0;  // of the GPU; 0: the file does not say
  std::optional<int> rank;
};

}  // namespace pipeloom
