#include "tests/backend/cuda/emulation/runtime/memory.h"

#include <cuda_runtime_api.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

#include "tests/backend/cuda/emulation/runtime/streams.h"

namespace pipeloom::emulation {

namespace {

// What is read before it is written is NaN, whatever its format.
constexpr int kFresh = 0xff;
constexpr size_t kAlignment = 256;
// Of copies, beside their start.
constexpr double kBytesPerNs = 1000;
constexpr int64_t kStartNs = 1000;

struct Allocation {
  size_t bytes = 0;
  int device = 0;
  MemoryKind kind = MemoryKind::kDevice;
};
std::map<const std::byte*, Allocation> allocations;

const Allocation* allocation_of(const void* address, size_t bytes) {
  const auto* begin = static_cast<const std::byte*>(address);
  auto place = allocations.upper_bound(begin);
  if (place == allocations.begin()) return nullptr;
  --place;
  return begin + bytes <= place->first + place->second.bytes ? &place->second : nullptr;
}

size_t used_bytes(int device) {
  size_t sum = 0;
  for (const auto& [begin, allocation] : allocations) {
    if (allocation.kind == MemoryKind::kDevice && allocation.device == device) sum += allocation.bytes;
  }
  return sum;
}

void* allocate(size_t bytes, MemoryKind kind) {
  const size_t whole = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  auto* begin = static_cast<std::byte*>(std::aligned_alloc(kAlignment, whole));
  if (begin == nullptr) return nullptr;
  if (machine().settings().moves_data) std::memset(begin, kFresh, whole);
  allocations[begin] = {bytes, current_device(), kind};
  return begin;
}

cudaError_t release(Machine::Lock& lock, void* memory, MemoryKind kind, const char* call) {
  if (memory == nullptr) return cudaSuccess;
  const auto place = allocations.find(static_cast<std::byte*>(memory));
  if (place == allocations.end() || place->second.kind != kind) return cudaErrorInvalidValue;
  const cudaError_t error = machine().wait_for_device(lock, place->second.device, call);
  // Work that can't get on may still come to it.
  if (error != cudaSuccess) return error;
  allocations.erase(static_cast<std::byte*>(memory));
  std::free(memory);
  return cudaSuccess;
}

// Whether a copy's ranges are what its kind says.
bool fits(const void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  const auto fits_side = [&](const void* address, bool device) {
    if (device) return is_device_range(address, bytes);
    return kind_of(address) != MemoryKind::kDevice;
  };
  return kind != cudaMemcpyHostToHost && kind != cudaMemcpyDefault && fits_side(to, to_device) &&
         fits_side(from, from_device);
}

int64_t copy_ns(size_t bytes) {
  return kStartNs + static_cast<int64_t>(static_cast<double>(bytes) / kBytesPerNs);
}

Work copy_work(void* to, const void* from, size_t bytes) {
  Work work;
  work.kind = Work::Kind::kCopy;
  work.name = "copy of " + std::to_string(bytes) + " bytes";
  work.duration_ns = copy_ns(bytes);
  if (machine().settings().moves_data) {
    work.run = [=](Op&) {
      std::memcpy(to, from, bytes);
      return true;
    };
  }
  return work;
}

// From memory that is not pinned a copy takes what is there now, and comes to the device later.
Work staged_work(void* to, const void* from, size_t bytes) {
  const auto* begin = static_cast<const std::byte*>(from);
  const auto staged = std::make_shared<std::vector<std::byte>>(begin, begin + bytes);
  Work work = copy_work(to, staged->data(), bytes);
  work.run = [to, staged](Op&) {
    std::memcpy(to, staged->data(), staged->size());
    return true;
  };
  return work;
}

}  // namespace

MemoryKind kind_of(const void* address) {
  const Allocation* allocation = allocation_of(address, 1);
  return allocation == nullptr ? MemoryKind::kUnknown : allocation->kind;
}

bool is_device_range(const void* begin, size_t bytes) {
  const Allocation* allocation = allocation_of(begin, bytes);
  return allocation != nullptr && allocation->kind == MemoryKind::kDevice;
}

void reset_memory() {
  for (const auto& [begin, allocation] : allocations) std::free(const_cast<std::byte*>(begin));
  allocations.clear();
}

std::vector<std::string> leaked_memory() {
  std::vector<std::string> leaks;
  for (const auto& [begin, allocation] : allocations) {
    leaks.push_back("an allocation of " + std::to_string(allocation.bytes) + " bytes");
  }
  return leaks;
}

}  // namespace pipeloom::emulation

using namespace pipeloom::emulation;  // NOLINT: the runtime's own functions follow

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  const auto lock = machine().lock();
  if (const cudaError_t error = unsafe_call(); error != cudaSuccess) return returned(error);
  const auto most = static_cast<size_t>(machine().settings().memory_bytes);
  *memory = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (used_bytes(current_device()) + bytes > most) return returned(cudaErrorMemoryAllocation);
  *memory = allocate(bytes, MemoryKind::kDevice);
  return returned(*memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess);
}

cudaError_t cudaFree(void* memory) {
  auto lock = machine().lock();
  if (const cudaError_t error = unsafe_call(); error != cudaSuccess) return returned(error);
  return returned(release(lock, memory, MemoryKind::kDevice, "cudaFree"));
}

cudaError_t cudaMallocHost(void** memory, size_t bytes) {
  const auto lock = machine().lock();
  if (const cudaError_t error = unsafe_call(); error != cudaSuccess) return returned(error);
  *memory = allocate(bytes, MemoryKind::kPinned);
  return returned(*memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess);
}

cudaError_t cudaFreeHost(void* memory) {
  auto lock = machine().lock();
  if (const cudaError_t error = unsafe_call(); error != cudaSuccess) return returned(error);
  return returned(release(lock, memory, MemoryKind::kPinned, "cudaFreeHost"));
}

cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total_bytes) {
  const auto lock = machine().lock();
  *total_bytes = static_cast<size_t>(machine().settings().memory_bytes);
  *free_bytes = *total_bytes - used_bytes(current_device());
  return cudaSuccess;
}

// Only a copy to the host has ended when the call returns, or one from pinned memory.
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  auto lock = machine().lock();
  if (const cudaError_t error = unsafe_call(); error != cudaSuccess) return returned(error);
  if (bytes == 0) return cudaSuccess;
  if (!fits(to, from, bytes, kind)) return returned(cudaErrorInvalidValue);
  const bool staged = kind == cudaMemcpyHostToDevice && kind_of(from) != MemoryKind::kPinned;
  OpPtr op;
  const cudaStream_t stream = stream_of(nullptr);
  const Work work = staged ? staged_work(to, from, bytes) : copy_work(to, from, bytes);
  const cudaError_t error = enqueue(stream, work, &op);
  if (error != cudaSuccess || staged || kind == cudaMemcpyDeviceToDevice) return returned(error);
  return returned(machine().wait_for(lock, op, "cudaMemcpy"));
}

// To memory that is not pinned it has ended when the call returns.
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t handle) {
  auto lock = machine().lock();
  const cudaStream_t stream = stream_of(handle);
  if (stream == nullptr) return returned(cudaErrorInvalidResourceHandle);
  if (bytes == 0) return cudaSuccess;
  if (!fits(to, from, bytes, kind)) return returned(cudaErrorInvalidValue);
  const void* host = kind == cudaMemcpyHostToDevice ? from : kind == cudaMemcpyDeviceToHost ? to : nullptr;
  const bool pageable = host != nullptr && kind_of(host) != MemoryKind::kPinned;
  if (pageable && stream->capture) {
    stream->capture->invalid = true;
    return returned(cudaErrorStreamCaptureUnsupported);
  }
  OpPtr op;
  const bool staged = pageable && kind == cudaMemcpyHostToDevice;
  const cudaError_t error = enqueue(stream, staged ? staged_work(to, from, bytes) : copy_work(to, from, bytes), &op);
  if (error != cudaSuccess || !pageable || staged) return returned(error);
  return returned(machine().wait_for(lock, op, "cudaMemcpyAsync"));
}

namespace {

cudaError_t fill(void* memory, int value, size_t bytes, cudaStream_t stream) {
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (!is_device_range(memory, bytes)) return cudaErrorInvalidValue;
  Work work;
  work.kind = Work::Kind::kFill;
  work.name = "fill of " + std::to_string(bytes) + " bytes";
  work.duration_ns = copy_ns(bytes);
  if (machine().settings().moves_data) {
    work.run = [=](Op&) {
      std::memset(memory, value, bytes);
      return true;
    };
  }
  return enqueue(stream, std::move(work));
}

}  // namespace

// Neither waits for the device.
cudaError_t cudaMemset(void* memory, int value, size_t bytes) {
  const auto lock = machine().lock();
  return returned(fill(memory, value, bytes, stream_of(nullptr)));
}
cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream) {
  const auto lock = machine().lock();
  return returned(fill(memory, value, bytes, stream_of(stream)));
}
