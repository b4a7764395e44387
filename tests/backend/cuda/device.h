#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "backend/device/kernels/numbers.h"
#include "backend/device/kernels/stream.h"
#include "backend/device/model/gpu_products.h"

// Tests of kernels and of what is made of them run twice: on a GPU (cuda_test; suites begin with Gpu), and on CPU
// threads that behave as a GPU's (cuda_emulated_test; suites begin with Emulated), on every machine.
//
//   DEVICE_SUITE(RmsNorm);
//   DEVICE_TEST(RmsNorm, MatchesTheReference) { ... }
#ifdef PIPELOOM_EMULATED
#define DEVICE_SUITE(subject) using Emulated##subject = ::pipeloom::tests::DeviceTest
#define DEVICE_TEST(subject, claim) TEST_F(Emulated##subject, claim)
#else
#define DEVICE_SUITE(subject) using Gpu##subject = ::pipeloom::tests::DeviceTest
#define DEVICE_TEST(subject, claim) TEST_F(Gpu##subject, claim)
#endif

namespace pipeloom::tests {

// Memory of the device under test.
class DeviceMemory {
 public:
  explicit DeviceMemory(int64_t size_bytes);
  ~DeviceMemory();
  DeviceMemory(DeviceMemory&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}
  DeviceMemory& operator=(DeviceMemory&&) = delete;

  std::byte* data() const { return data_; }
  int64_t size_bytes() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  int64_t size_ = 0;
};

// Both wait for all work on the device.
void copy_to_device(void* to, const void* from, int64_t bytes);
void copy_from_device(void* to, const void* from, int64_t bytes);

// Nanoseconds, when all work on the device has ended.
uint64_t device_time_ns();

std::string why_no_device();
backend::SmStream device_stream();
std::unique_ptr<backend::ProductRunner> device_products();

template <typename Number>
class DeviceArray {
 public:
  explicit DeviceArray(int64_t count) : memory_(count * int64_t{sizeof(Number)}) {
    const std::vector<std::byte> ones(static_cast<size_t>(memory_.size_bytes()), std::byte{0xff});  // NaN
    copy_to_device(memory_.data(), ones.data(), memory_.size_bytes());
  }
  DeviceArray(const std::vector<Number>& numbers)  // NOLINT(google-explicit-constructor)
      : memory_(static_cast<int64_t>(numbers.size() * sizeof(Number))) {
    copy_to_device(memory_.data(), numbers.data(), memory_.size_bytes());
  }

  Number* get() const { return reinterpret_cast<Number*>(memory_.data()); }
  operator Number*() const { return get(); }  // NOLINT(google-explicit-constructor)
  std::vector<Number> numbers() const {
    std::vector<Number> result(static_cast<size_t>(memory_.size_bytes()) / sizeof(Number));
    copy_from_device(result.data(), memory_.data(), memory_.size_bytes());
    return result;
  }

 private:
  DeviceMemory memory_;
};

class DeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = why_no_device(); !reason.empty()) {
      GTEST_SKIP() << "no GPU test runs here: " << reason;
    }
  }
};

// --- numbers ---

std::vector<float> random_floats(int64_t count, uint64_t seed, float scale = 1);
std::vector<backend::Bf16> rounded_to_bf16(std::span<const float> numbers);
std::vector<float> widened(std::span<const backend::Bf16> numbers);

// The largest difference, against the largest magnitude of what was expected.
double relative_difference(std::span<const float> actual, std::span<const float> expected);
inline double relative_difference(std::span<const backend::Bf16> actual, std::span<const float> expected) {
  return relative_difference(widened(actual), expected);
}

}  // namespace pipeloom::tests
