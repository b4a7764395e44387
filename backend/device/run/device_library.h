#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "backend/device/kernels/stream.h"
#include "backend/device/products/product_runner.h"

namespace pipeloom::backend {

// What a training run asks of a device's library beside kernels: memory, copies, products, and the host's part of what
// streams do. Calls go to the device that is current. What goes wrong is thrown.
class DeviceLibrary {
 public:
  virtual ~DeviceLibrary() = default;

  // Memory of the device, at a multiple of 256 bytes; and of the host, which the device copies to by itself. Before
  // memory of the device is freed, the device ends all that it was given.
  virtual std::shared_ptr<std::byte> allocate(int64_t size_bytes) = 0;
  virtual std::shared_ptr<std::byte> allocate_on_host(int64_t size_bytes) = 0;

  // Copies that wait for themselves. A device may still be taking what it was given: wait_for_all.
  virtual void copy_to_device(const void* host, void* device, int64_t size_bytes) = 0;
  virtual void copy_to_host(const void* device, void* host, int64_t size_bytes) = 0;
  virtual void wait_for_all() = 0;

  // Enqueue and return. Host memory that is copied to the device has been read by then.
  virtual void enqueue_to_device(StreamHandle stream, const void* host, void* device, int64_t size_bytes) = 0;
  virtual void enqueue_to_host(StreamHandle stream, const void* device, void* host, int64_t size_bytes) = 0;
  // Calls `function` on a thread of the library's, which must not call the library.
  virtual void enqueue_on_host(StreamHandle stream, void (*function)(void* argument), void* argument) = 0;

  virtual std::unique_ptr<ProductRunner> make_products() = 0;
};

}  // namespace pipeloom::backend
