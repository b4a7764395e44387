#include <benchmark/benchmark.h>
#include <malloc.h>

// Keeps freed memory in the heap. Otherwise every repeat maps its megabytes again, and a benchmark measures the kernel.
int main(int argc, char** argv) {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
