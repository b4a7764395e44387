#include <benchmark/benchmark.h>
#include <malloc.h>

// Freed memory stays in the heap: otherwise every repeat maps and faults in its megabytes anew, and the kernel is what
// is measured.
int main(int argc, char** argv) {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
