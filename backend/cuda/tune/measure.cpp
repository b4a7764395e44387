#include "backend/cuda/tune/measure.h"

#include <algorithm>
#include <cmath>

#include "backend/cuda/check.h"
#include "backend/cuda/comm/copy.h"
#include "backend/cuda/products/lt_products.h"
#include "backend/cuda/tune/exchange.h"
#include "backend/cuda/tune/measure_copies.h"

namespace pipeloom {

namespace {

constexpr int kCommSms = 20;      // beside products: DeepSeek-V3's
constexpr int kChunkTokens = 28;  // DeepEP's for 64 ranks
constexpr int kMostSms = 24;
constexpr int kMostChunk = 32;

// Runs `exchange` without a pause for at least so long; returns once the first of them has been launched.
void keep_running(const std::function<void()>& exchange, double exchange_s, double seconds) {
  const int times = static_cast<int>(std::ceil(seconds / exchange_s)) + 2;
  for (int i = 0; i < times; ++i) exchange();
}

void measure_exchange(ExchangeOnGpu& exchange, GpuTimer& timer, TuneMeasurements& measured) {
  for (int sms = ExchangeOnGpu::kNodes; sms <= kMostSms; sms += ExchangeOnGpu::kNodes) {
    for (int chunk = 1; chunk <= kMostChunk; chunk *= 2) {
      exchange.set(sms, chunk);
      const auto bytes = static_cast<double>(exchange.copied_bytes());
      const double dispatch_s = timer.median_s([&](int) { exchange.dispatch(timer.stream()); });
      measured.dispatches.push_back({sms, chunk, bytes / dispatch_s});
      const double combine_s = timer.median_s([&](int) { exchange.combine(timer.stream()); });
      measured.combines.push_back({sms, chunk, bytes / combine_s});
    }
  }
}

// What `kernel`, which takes the SMs that communication leaves, takes alone and beside each exchange.
MeasuredContention measure_beside(const ExchangeOnGpu& exchange, GpuTimer& comm, GpuTimer& compute,
                                  const std::function<void()>& kernel) {
  constexpr int kTimes = 4;
  const auto several = [&](int) {
    for (int i = 0; i < kTimes; ++i) kernel();
  };
  MeasuredContention measured;
  measured.alone_s = compute.median_s(several);
  const auto beside = [&](const std::function<void()>& run) {
    const double exchange_s = comm.median_s([&](int) { run(); });
    // Six runs; twice the time, should they take longer.
    keep_running(run, exchange_s, 2 * (GpuTimer::kRuns + 1) * measured.alone_s);
    const double seconds = compute.median_s(several);
    PIPELOOM_CUDA_CHECK(cudaStreamSynchronize(comm.stream()));
    return seconds;
  };
  measured.beside_dispatch_s = beside([&] { exchange.dispatch(comm.stream()); });
  measured.beside_combine_s = beside([&] { exchange.combine(comm.stream()); });
  return measured;
}

MeasuredContention measure_product(const ExchangeOnGpu& exchange, GpuTimer& comm, GpuTimer& compute, int sms) {
  constexpr int64_t kRows = 4096;
  constexpr int64_t kInner = 7168;
  constexpr int64_t kColumns = 4096;
  const GpuMemory x(kRows * kInner * static_cast<int64_t>(sizeof(Bf16)));
  const GpuMemory w(kInner * kColumns * static_cast<int64_t>(sizeof(Bf16)));
  const GpuMemory y(kRows * kColumns * static_cast<int64_t>(sizeof(float)));
  LtProducts products;
  const ProductDescription product =
      bf16_product(Form::kPlain, RowMatrix::dense(kRows, kInner), RowMatrix::dense(kInner, kColumns),
                   RowMatrix::dense(kRows, kColumns), Into::kSet, 1, sms);
  ProductOperands operands;
  operands.a = w.as<Bf16>();
  operands.b = x.as<Bf16>();
  operands.d = y.as<float>();
  return measure_beside(exchange, comm, compute, [&] {
    products.multiply({compute.stream(), sms}, product, operands);
  });
}

MeasuredContention measure_memory_bound(const ExchangeOnGpu& exchange, GpuTimer& comm, GpuTimer& compute, int sms) {
  constexpr int64_t kBytes = int64_t{256} << 20;
  const GpuMemory from(kBytes);
  const GpuMemory to(kBytes);
  const CopyOptions options{CopyMethod::kLoadStore, sms, int64_t{64} << 10, 0};
  return measure_beside(exchange, comm, compute, [&] {
    copy_message({compute.stream(), sms}, from.as<char>(), to.as<char>(), kBytes, options);
  });
}

}  // namespace

TuneMeasurements measure_gpu(int device, const std::function<void(const std::string&)>& on_progress) {
  PIPELOOM_CUDA_CHECK(cudaSetDevice(device));
  int sms = 0;
  PIPELOOM_CUDA_CHECK(cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, device));
  TuneMeasurements measured;
  on_progress("copies");
  measured.copies = measure_copies(sms);
  measured.memory_bytes_per_s = measure_memory(sms);
  on_progress("dispatch and combine");
  ExchangeOnGpu exchange(kMostSms, kMostChunk);
  GpuTimer comm(true);
  GpuTimer compute;
  measure_exchange(exchange, comm, measured);
  on_progress("products and copies beside them");
  exchange.set(kCommSms, kChunkTokens);
  measured.product = measure_product(exchange, comm, compute, sms - kCommSms);
  measured.memory_bound = measure_memory_bound(exchange, comm, compute, sms - kCommSms);
  return measured;
}

}  // namespace pipeloom
