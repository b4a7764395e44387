#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "backend/device/kernels/stream.h"
#include "backend/device/products/product_runner.h"
#include "backend/device/tuning/tuning.h"

namespace pipeloom::backend {

// Times what is enqueued on a stream of its own.
class StreamTimer {
 public:
  virtual ~StreamTimer() = default;

  virtual StreamHandle stream() const = 0;
  // Returns the seconds of what `enqueue` enqueues, number of the run given: the median of kRuns after one that does
  // not count.
  virtual double median_s(const std::function<void(int)>& enqueue) = 0;

  static constexpr int kRuns = 5;
};

// Counts what the whole device's L2 does while some work runs on it.
class L2Counter {
 public:
  virtual ~L2Counter() = default;

  // Work that is not quite the same each time it is called gives figures that are about right.
  virtual Result<MeasuredL2> count(const std::function<void()>& work) = 0;
};

// A device whose communication kernels are measured. Used by one thread; what goes wrong is thrown.
class MeasuredDevice {
 public:
  virtual ~MeasuredDevice() = default;

  virtual int sms() const = 0;
  virtual std::shared_ptr<std::byte> allocate(int64_t size_bytes) = 0;  // zeroed
  virtual void copy_to_device(const void* host, void* device, int64_t size_bytes) = 0;
  // `urgent`: blocks of this timer's kernels come first where SMs are free.
  virtual std::unique_ptr<StreamTimer> make_timer(bool urgent) = 0;
  virtual void wait_for(StreamHandle stream) = 0;
  virtual std::unique_ptr<ProductRunner> make_products() = 0;
  // Fails where counters can't be read, and says why.
  virtual Result<std::unique_ptr<L2Counter>> make_l2_counter() = 0;
};

// Zeroed memory of the device, as numbers.
class MeasuredMemory {
 public:
  MeasuredMemory(MeasuredDevice& device, int64_t size_bytes) : bytes_(device.allocate(size_bytes)) {}

  template <typename Number>
  Number* as() const {
    return reinterpret_cast<Number*>(bytes_.get());
  }

 private:
  std::shared_ptr<std::byte> bytes_;
};

}  // namespace pipeloom::backend
