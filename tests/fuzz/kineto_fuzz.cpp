// Nothing crashes, and what is read is in order.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "proto/kineto/kineto.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pipeloom;
  using namespace pipeloom::proto;
  static const int file = memfd_create("fuzz", 0);
  static const std::string path = fmt::format("/proc/self/fd/{}", file);
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  const auto run = read_kineto(path);
  if (!run) return 0;
  int64_t last_ns = INT64_MIN;
  for (const ProfiledRun::Kernel& kernel : run->kernels) {
    if (kernel.begin_ns < last_ns || kernel.end_ns < kernel.begin_ns) std::abort();
    if (kernel.stream >= run->streams.size() || kernel.name >= run->names.size()) std::abort();
    last_ns = kernel.begin_ns;
  }
  return 0;
}
