#include <cstdlib>
#include <cstring>
#include <new>

#include "tests/backend/cuda/device.h"
#include "tests/backend/cuda/emulation/host_products.h"
#include "tests/backend/cuda/emulation/immediate.h"

namespace pipeloom::tests {

DeviceMemory::DeviceMemory(int64_t size_bytes) : size_(size_bytes) {
  data_ = static_cast<std::byte*>(std::aligned_alloc(256, static_cast<size_t>((size_bytes / 256 + 1) * 256)));
  if (data_ == nullptr) throw std::bad_alloc();
}

DeviceMemory::~DeviceMemory() {
  std::free(data_);
}

void copy_to_device(void* to, const void* from, int64_t bytes) {
  if (bytes > 0) std::memcpy(to, from, static_cast<size_t>(bytes));
}

void copy_from_device(void* to, const void* from, int64_t bytes) {
  copy_to_device(to, from, bytes);
}

uint64_t device_time_ns() {
  return static_cast<uint64_t>(emulation::immediate_now_ns());
}

std::string why_no_device() {
  return "";
}

backend::SmStream device_stream() {
  return {nullptr, 4};
}

std::unique_ptr<backend::ProductRunner> device_products() {
  return std::make_unique<HostProducts>();
}

}  // namespace pipeloom::tests
