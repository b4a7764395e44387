#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace pipeloom::emulation {

// How the emulated GPUs of this process behave.
struct Settings {
  int devices = 8;
  uint64_t seed = 1;  // of the order in which work runs
  // Work that nothing orders runs in any order. False: by the emulated clock, as on a GPU that has room for everything
  // but kernels that want their SMs for themselves.
  bool any_order = true;
  // Kernels, products and copies only take time: for what would move gigabytes.
  bool moves_data = true;
  bool cupti = false;           // whether activities can be traced
  int64_t patience_ms = 3'000;  // a call that waits for so long on work that can't get on fails
  int64_t memory_bytes = int64_t{80} << 30;
  // SMs that the driver gives a green context too many, from those of the next one: a driver that errs.
  int shared_sms = 0;

  enum class Fault : uint8_t { kNone, kHangs, kFails };
  // Of a kernel, copy or NCCL operation that is about to run, on so many SMs.
  std::function<Fault(const std::string& name, int device, int sms)> fault = {};
  // How long a kernel takes beyond what it waits by its own clock; 2 us unless it is set.
  std::function<int64_t(const std::string& name)> kernel_ns = {};
};

// GPUs as new, for as long as it lives. One at a time; all work has ended and all ranks are gone when it goes.
class EmulatedGpus {
 public:
  explicit EmulatedGpus(const Settings& settings);
  ~EmulatedGpus();
  EmulatedGpus(const EmulatedGpus&) = delete;
  EmulatedGpus& operator=(const EmulatedGpus&) = delete;

  // What a GPU would not have told: messages whose sizes differ, a workspace of two products at once, waits for ever.
  std::vector<std::string> complaints() const;
  // What has not been given back: "3 streams", "1 allocation of 256 bytes".
  std::vector<std::string> leaks() const;
};

}  // namespace pipeloom::emulation
