#include "backend/device/measure/measure.h"

#include "backend/device/measure/exchange_on_gpu.h"
#include "backend/device/measure/measure_copies.h"
#include "backend/device/measure/measure_variants.h"

namespace pipeloom::backend {

namespace {

constexpr int kMostSms = 24;
constexpr int kMostPiece = 32;

void measure_exchange(ExchangeOnGpu& exchange, StreamTimer& timer, TuneMeasurements& measured) {
  for (int sms = ExchangeOnGpu::kNodes; sms <= kMostSms; sms += ExchangeOnGpu::kNodes) {
    for (int piece = 1; piece <= kMostPiece; piece *= 2) {
      exchange.set(sms, piece);
      const auto bytes = static_cast<double>(exchange.copied_bytes());
      const double dispatch_s = timer.median_s([&](int) { exchange.dispatch(timer.stream()); });
      measured.dispatches.push_back({sms, piece, bytes / dispatch_s});
      const double combine_s = timer.median_s([&](int) { exchange.combine(timer.stream()); });
      measured.combines.push_back({sms, piece, bytes / combine_s});
    }
  }
}

}  // namespace

TuneMeasurements measure(MeasuredDevice& device, const std::function<void(const std::string&)>& on_progress) {
  TuneMeasurements measured;
  on_progress("copies");
  measured.copies = measure_copies(device);
  measured.memory_bytes_per_s = measure_memory(device);
  on_progress("dispatch and combine");
  ExchangeOnGpu exchange(device, kMostSms, kMostPiece);
  measure_exchange(exchange, *device.make_timer(false), measured);
  on_progress("products and memory-bound kernels beside all of them, and what L2 holds");
  measure_variants(device, exchange, measured);
  return measured;
}

}  // namespace pipeloom::backend
