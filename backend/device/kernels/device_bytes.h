#pragma once

#include <cstdint>

namespace pipeloom::backend {

// A range of device memory. Owned by whoever gives it out.
struct DeviceBytes {
  void* data = nullptr;
  int64_t size_bytes = 0;
};

}  // namespace pipeloom::backend
