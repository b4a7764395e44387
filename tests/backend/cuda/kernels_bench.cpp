// Kernels and products on a GPU, in GB/s or TFLOPS of real sizes; the communication kernels are `pipeloom-run tune`'s.
#include <benchmark/benchmark.h>

#include "backend/cuda/products/lt_products.h"
#include "backend/cuda/run/gpu_facts.h"
#include "backend/cuda/tune/gpu_timer.h"
#include "backend/device/kernels/activation_kernels.h"
#include "backend/device/kernels/adam_kernels.h"
#include "backend/device/kernels/columns_kernels.h"
#include "backend/device/kernels/fp8_kernels.h"
#include "backend/device/kernels/rms_norm_kernels.h"
#include "backend/device/kernels/softmax_kernels.h"

namespace pipeloom::backend {
namespace {

constexpr int64_t kTokens = 4096;
constexpr int64_t kHidden = 7168;
constexpr int kSms = 132;

// Times `enqueue`; `bytes` and `flops` are of one call.
template <typename Enqueue>
void measure(benchmark::State& state, double bytes, double flops, const Enqueue& enqueue) {
  GpuTimer timer;
  const SmStream stream{timer.stream(), kSms};
  for (auto unused : state) {
    (void)unused;
    state.SetIterationTime(timer.median_s([&](int) { enqueue(stream); }));
  }
  const auto kind = benchmark::Counter::kIsIterationInvariantRate;
  if (bytes > 0) state.counters["bytes_per_s"] = benchmark::Counter(bytes, kind);
  if (flops > 0) state.counters["flops"] = benchmark::Counter(flops, kind);
}

bool skipped(benchmark::State& state) {
  const std::string reason = why_no_gpu_here();
  if (!reason.empty()) state.SkipWithError(reason.c_str());
  return !reason.empty();
}

void BM_RmsNorm(benchmark::State& state) {
  if (skipped(state)) return;
  const int64_t size = kTokens * kHidden;
  const GpuMemory x(2 * size), weight(4 * kHidden), input(2 * size), inverse(4 * kTokens), output(2 * size);
  measure(state, 6.0 * static_cast<double>(size), 0, [&](const SmStream& stream) {
    rms_norm_forward(stream, {kTokens, kHidden}, {x.as<Bf16>(), kHidden}, weight.as<float>(),
                     {input.as<Bf16>(), inverse.as<float>()}, {output.as<Bf16>(), kHidden});
  });
}
BENCHMARK(BM_RmsNorm)->UseManualTime();

void BM_SwiGlu(benchmark::State& state) {
  if (skipped(state)) return;
  const ActivationShape shape{kTokens, 2048, true};
  const GpuMemory inner(2 * kTokens * shape.up_width()), activated(2 * kTokens * shape.intermediate);
  measure(state, static_cast<double>(kTokens * (2 * shape.up_width() + 2 * shape.intermediate)), 0,
          [&](const SmStream& stream) { activate(stream, shape, inner.as<Bf16>(), activated.as<Bf16>()); });
}
BENCHMARK(BM_SwiGlu)->UseManualTime();

void BM_Softmax(benchmark::State& state) {
  if (skipped(state)) return;
  const ScoresShape shape{16, kTokens, 0.1F};
  const int64_t size = shape.heads * kTokens * kTokens;
  const GpuMemory scores(4 * size), factor(2 * size);
  measure(state, 10.0 * static_cast<double>(size), 0,
          [&](const SmStream& stream) { causal_softmax(stream, shape, scores.as<float>(), factor.as<Bf16>()); });
}
BENCHMARK(BM_Softmax)->UseManualTime();

void BM_Fp8Rows(benchmark::State& state) {
  if (skipped(state)) return;
  const int64_t size = kTokens * kHidden;
  const GpuMemory values(2 * size), numbers(size), scales(4 * kTokens * fp8_tiles(kHidden));
  measure(state, 3.0 * static_cast<double>(size), 0, [&](const SmStream& stream) {
    quantise_rows(stream, values.as<Bf16>(), kTokens, kHidden, numbers.as<E4m3>(), scales.as<float>());
  });
}
BENCHMARK(BM_Fp8Rows)->UseManualTime();

void BM_Fp8Columns(benchmark::State& state) {
  if (skipped(state)) return;
  const int64_t size = kTokens * kHidden;
  const GpuMemory values(2 * size), numbers(size), scales(4 * kHidden * fp8_tiles(kTokens));
  measure(state, 3.0 * static_cast<double>(size), 0, [&](const SmStream& stream) {
    quantise_columns(stream, values.as<Bf16>(), kTokens, kHidden, numbers.as<E4m3>(), scales.as<float>());
  });
}
BENCHMARK(BM_Fp8Columns)->UseManualTime();

void BM_Adam(benchmark::State& state) {
  if (skipped(state)) return;
  const int64_t count = int64_t{1} << 26;
  const GpuMemory weights(4 * count), first(4 * count), second(4 * count), factors(2 * count), gradients(4 * count),
      step(sizeof(AdamStep));
  measure(state, 30.0 * static_cast<double>(count), 0, [&](const SmStream& stream) {
    adam(stream, {}, step.as<AdamStep>(), gradients.as<float>(), count,
         {{weights.as<float>(), first.as<float>(), second.as<float>()}, factors.as<Bf16>(), Format::kFp32, {}});
  });
}
BENCHMARK(BM_Adam)->UseManualTime();

// Of 4096 tokens by weights of 7168 x 4096, on so many SMs.
void product(benchmark::State& state, bool fp8) {
  if (skipped(state)) return;
  constexpr int64_t kColumns = 4096;
  const auto sms = static_cast<int>(state.range(0));
  const GpuMemory x(2 * kTokens * kHidden), w(2 * kHidden * kColumns), y(4 * kTokens * kColumns),
      x_scales(4 * kTokens * fp8_tiles(kHidden)), w_scales(4 * fp8_tiles(kColumns) * block_scales_stride(kHidden));
  const ProductDescription description =
      fp8 ? fp8_product(kTokens, kColumns, kHidden, ScaleMode::kBlocks128, Into::kSet, sms)
          : bf16_product(Form::kPlain, RowMatrix::dense(kTokens, kHidden), RowMatrix::dense(kHidden, kColumns),
                         RowMatrix::dense(kTokens, kColumns), Into::kSet, 1, sms);
  const ProductOperands operands{w.as<char>(), x.as<char>(), y.as<char>(), w_scales.as<float>(), x_scales.as<float>()};
  LtProducts products;
  measure(state, 0, 2.0 * static_cast<double>(kTokens * kHidden * kColumns),
          [&](const SmStream& stream) { products.multiply(stream, description, operands); });
}
void BM_Bf16Product(benchmark::State& state) {
  product(state, false);
}
void BM_Fp8Product(benchmark::State& state) {
  product(state, true);
}
BENCHMARK(BM_Bf16Product)->Arg(132)->Arg(112)->Arg(24)->UseManualTime();
BENCHMARK(BM_Fp8Product)->Arg(132)->Arg(112)->Arg(24)->UseManualTime();

}  // namespace
}  // namespace pipeloom::backend
