#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"

namespace pipeloom::backend {

// What a GPU and the libraries on its node say of themselves.
struct DeviceFacts {
  int number = 0;
  std::string name;
  int capability = 0;  // 90: 9.0
  int64_t free_bytes = 0;
  int64_t total_bytes = 0;
  int driver_version = 0;   // the newest CUDA that the driver runs, as 13000 for 13.0
  int runtime_version = 0;  // of the CUDA runtime that is loaded
  int nccl_version = 0;     // as 22809 for 2.28.9; 0: not used
};

struct DeviceNeeds {
  int capability = 90;
  int built_runtime_version = 0;
  int built_nccl_version = 0;
  int64_t bytes = 0;  // of all ranks on the device
  int ranks = 1;
};

// Before the first launch: whether the device can run what is asked of it; the error says what it has and what it
// needs.
Status check_device(const DeviceFacts& facts, const DeviceNeeds& needs);

// "13.0", "2.28.9".
std::string cuda_version_text(int version);
std::string nccl_version_text(int version);

}  // namespace pipeloom::backend
