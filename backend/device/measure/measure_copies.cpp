#include "backend/device/measure/measure_copies.h"

#include <algorithm>

#include "backend/device/comm/copy.h"
#include "backend/device/measure/measured_device.h"

namespace pipeloom::backend {

namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
// Five times Hopper's L2 of 50 MB: a message that comes again has left it.
constexpr int64_t kBufferBytes = 256 * kMiB;

}  // namespace

std::vector<MeasuredCopy> measure_copies(MeasuredDevice& device) {
  const MeasuredMemory from(device, kBufferBytes);
  const MeasuredMemory to(device, kBufferBytes);
  const std::unique_ptr<StreamTimer> timer = device.make_timer(false);
  std::vector<MeasuredCopy> measured;
  for (const int64_t bytes : {kMiB / 16, kMiB, 16 * kMiB, 128 * kMiB}) {
    // Enough of them that an event's half microsecond does not count.
    const int64_t messages = std::max<int64_t>(1, 16 * kMiB / bytes);
    for (const CopyMethod method : kCopyMethods) {
      for (const int sms : {1, 2, 4, 8, 12, 16, 20, 24, 32}) {
        if (sms > device.sms()) continue;
        for (const int64_t piece : {kMiB / 64, kMiB / 16, kMiB / 4}) {
          const CopyOptions options{method, sms, piece, 0};
          const double seconds = timer->median_s([&](int run) {
            for (int64_t i = 0; i < messages; ++i) {
              const int64_t at = (run * messages + i) * bytes % kBufferBytes;
              copy_message({timer->stream(), sms}, from.as<char>() + at, to.as<char>() + at, bytes, options);
            }
          });
          measured.push_back({method, sms, piece, bytes, static_cast<double>(messages * bytes) / seconds});
        }
      }
    }
  }
  return measured;
}

double measure_memory(MeasuredDevice& device) {
  const MeasuredMemory from(device, kBufferBytes);
  const MeasuredMemory to(device, kBufferBytes);
  const std::unique_ptr<StreamTimer> timer = device.make_timer(false);
  double fastest = 0;
  for (const CopyMethod method : kCopyMethods) {
    const CopyOptions options{method, device.sms(), kMiB / 16, 0};
    const double seconds = timer->median_s([&](int) {
      copy_message({timer->stream(), device.sms()}, from.as<char>(), to.as<char>(), kBufferBytes, options);
    });
    fastest = std::max(fastest, 2 * static_cast<double>(kBufferBytes) / seconds);
  }
  return fastest;
}

}  // namespace pipeloom::backend
