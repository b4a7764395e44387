#include "backend/device/comm/copy.h"

#include <gtest/gtest.h>

#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(Copy);

std::vector<unsigned char> some_bytes(int64_t count) {
  std::vector<unsigned char> bytes(static_cast<size_t>(count));
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(i * 7 + i / 251);
  return bytes;
}

constexpr CopyMethod kMethods[] = {CopyMethod::kLoadStore, CopyMethod::kStreaming, CopyMethod::kStreamingReadOnly,
                                   CopyMethod::kBulk};

// Messages below, at and beyond a piece, with and without a rest; what lies behind them stays.
DEVICE_TEST(Copy, MovesEveryByteAndNoOther) {
  for (const CopyMethod method : kMethods) {
    for (const int64_t bytes : {1, 15, 16, 4096, 100'000, 262'144 + 48 + 5}) {
      for (const backend::CopyOptions options :
           {backend::CopyOptions{method, 1, 4096, 0}, {method, 3, 65'536, 0}, {method, 3, 48, 0}}) {
        const DeviceArray<unsigned char> from(some_bytes(bytes));
        const DeviceArray<unsigned char> to(std::vector<unsigned char>(static_cast<size_t>(bytes) + 32, 0xee));
        backend::copy_message(device_stream(), from, to, bytes, options);
        auto expected = some_bytes(bytes);
        expected.resize(expected.size() + 32, 0xee);
        ASSERT_EQ(to.numbers(), expected)
            << copy_method_name(method) << ", " << bytes << " bytes, pieces of " << options.piece_bytes;
      }
    }
  }
}

// 8 KiB at 200 MB/s are 41 us.
DEVICE_TEST(Copy, IsAsSlowAsItsLink) {
  for (const CopyMethod method : kMethods) {
    const DeviceArray<unsigned char> from(some_bytes(8192)), to(8192);
    backend::copy_message(device_stream(), from, to, 16, {method, 2, 4096, 0});
    const uint64_t begin_ns = device_time_ns();
    backend::copy_message(device_stream(), from, to, 8192, {method, 2, 4096, 200e6});
    EXPECT_GE(device_time_ns() - begin_ns, 40'000u) << copy_method_name(method);
  }
}

}  // namespace
}  // namespace pipeloom::tests
