#include "backend/cuda/tune/measure.h"

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/cuda_error.h"
#include "backend/cuda/tune/exchange_on_gpu.h"
#include "backend/cuda/tune/measure_copies.h"
#include "backend/cuda/tune/measure_variants.h"

namespace pipeloom::backend {

namespace {

constexpr int kMostSms = 24;
constexpr int kMostPiece = 32;

void measure_exchange(ExchangeOnGpu& exchange, GpuTimer& timer, TuneMeasurements& measured) {
  for (int sms = ExchangeOnGpu::kNodes; sms <= kMostSms; sms += ExchangeOnGpu::kNodes) {
    for (int chunk = 1; chunk <= kMostPiece; chunk *= 2) {
      exchange.set(sms, chunk);
      const auto bytes = static_cast<double>(exchange.copied_bytes());
      const double dispatch_s = timer.median_s([&](int) { exchange.dispatch(timer.stream()); });
      measured.dispatches.push_back({sms, chunk, bytes / dispatch_s});
      const double combine_s = timer.median_s([&](int) { exchange.combine(timer.stream()); });
      measured.combines.push_back({sms, chunk, bytes / combine_s});
    }
  }
}

TuneMeasurements measure(int device, const std::function<void(const std::string&)>& on_progress) {
  PIPELOOM_CUDA_CHECK(cudaSetDevice(device));
  int sms = 0;
  PIPELOOM_CUDA_CHECK(cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, device));
  TuneMeasurements measured;
  on_progress("copies");
  measured.copies = measure_copies(sms);
  measured.memory_bytes_per_s = measure_memory(sms);
  on_progress("dispatch and combine");
  ExchangeOnGpu exchange(kMostSms, kMostPiece);
  GpuTimer timer;
  measure_exchange(exchange, timer, measured);
  on_progress("products and memory-bound kernels beside all of them, and what L2 holds");
  measure_variants(sms, exchange, measured);
  return measured;
}

}  // namespace

Result<TuneMeasurements> measure_gpu(int device, const std::function<void(const std::string&)>& on_progress) {
  try {
    return measure(device, on_progress);
  } catch (const CudaError& error) {
    return fail(ErrorCode::kIo, error.what());
  }
}

}  // namespace pipeloom::backend
