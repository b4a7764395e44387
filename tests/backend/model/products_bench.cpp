// Products of both modes on one core.
#include <benchmark/benchmark.h>

#include "backend/model/products.h"

namespace pipeloom::backend {
namespace {

void products(benchmark::State& state, const Products<float>& maths) {
  const int64_t size = state.range(0);
  Matrix<float> a(size, size);
  Matrix<float> b(size, size);
  Matrix<float> c(size, size);
  for (int64_t i = 0; i < a.size(); ++i) {
    a.numbers()[i] = static_cast<float>(i % 7) - 3;
    b.numbers()[i] = static_cast<float>(i % 5) - 2;
  }
  for (auto _ : state) {
    maths.multiply(Form::kPlain, a.view(), b.view(), c.view(), Into::kSet);
    benchmark::DoNotOptimize(c.row(0));
  }
  state.counters["flop_per_s"] =
      benchmark::Counter(2.0 * static_cast<double>(size * size * size), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(products, onednn, onednn_products())->RangeMultiplier(2)->Range(64, 512);
BENCHMARK_CAPTURE(products, plain, plain_products<float>())->RangeMultiplier(2)->Range(64, 512);

}  // namespace
}  // namespace pipeloom::backend
