// Reading 100 MB of a profiler's trace, plain and gzipped.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "proto/kineto/kineto.h"

namespace pipeloom::proto {
namespace {

constexpr size_t kBytes = 100'000'000;

// Two host events for each kernel, as a profiler's file has them, indented as Kineto does.
std::string make_trace() {
  std::string json = "{\n  \"schemaVersion\": 1,\n  \"traceEvents\": [\n";
  json.reserve(kBytes + 4096);
  for (int i = 0; json.size() < kBytes; ++i) {
    fmt::format_to(std::back_inserter(json),
                   R"(  {{
    "ph": "X", "cat": "cpu_op", "name": "aten::linear", "pid": 4242, "tid": 4242,
    "ts": {0}.125, "dur": 12.250,
    "args": {{
      "External id": {1}, "Record function id": 0, "Ev Idx": {1}
    }}
  }},
  {{
    "ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 4242, "tid": 4242,
    "ts": {0}.500, "dur": 5.750,
    "args": {{
      "External id": {1}, "cbid": 211, "correlation": {1}
    }}
  }},
  {{
    "ph": "X", "cat": "kernel", "name": "void cutlass::Kernel2<cutlass_80_tensorop_bf16_s16816gemm_bf16_{2}>", "pid": 0, "tid": 7,
    "ts": {0}.750, "dur": 8.125,
    "args": {{
      "External id": {1}, "queued": 0, "device": 0, "context": 1,
      "stream": {3}, "correlation": {1}, "registers per thread": 128, "shared memory": 65536,
      "blocks per SM": 0.848485, "warps per SM": 6.787879,
      "grid": [28, 4, 1], "block": [256, 1, 1], "est. achieved occupancy %": 33
    }}
  }},
)",
                   1717000000000000 + static_cast<int64_t>(i) * 10, i, i % 50, i % 2 == 0 ? 7 : 27);
  }
  json.resize(json.size() - 2);
  return json + "\n  ]\n}\n";
}

const std::string& trace_file(bool packed) {
  static const std::string base = fmt::format("/tmp/pipeloom-bench-{}", getpid());
  static const std::string paths[] = {base + ".json", base + ".json.gz"};
  static const bool written = [] {
    const std::string json = make_trace();
    std::ofstream(paths[0]) << json;
    gzFile file = gzopen(paths[1].c_str(), "wb1");
    gzwrite(file, json.data(), static_cast<unsigned>(json.size()));
    gzclose(file);
    std::atexit([] {
      for (const std::string& path : paths) std::remove(path.c_str());
    });
    return true;
  }();
  (void)written;
  return paths[packed ? 1 : 0];
}

void read_trace(benchmark::State& state, bool packed) {
  const std::string& path = trace_file(packed);
  size_t kernels = 0;
  for (auto _ : state) {
    const auto run = read_kineto(path);
    if (!run) {
      state.SkipWithError(run.error().message.c_str());
      return;
    }
    kernels = run->kernels.size();
    benchmark::DoNotOptimize(kernels);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * kBytes);
  state.counters["kernels"] = static_cast<double>(kernels);
}

BENCHMARK_CAPTURE(read_trace, json, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read_trace, json_gz, true)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pipeloom::proto
