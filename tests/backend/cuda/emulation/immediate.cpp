// Kernels run as they are launched, whatever their stream.
#include "tests/backend/cuda/emulation/immediate.h"

#include "tests/backend/cuda/emulation/kernel.h"

namespace pipeloom::emulation {

namespace {
int64_t now_ns = 0;
}

void submit(const Kernel& kernel, const backend::SmStream& /*stream*/) {
  now_ns = run_kernel(kernel, now_ns, {0});
}

void allow_dynamic_shared(const char* /*name*/, size_t /*bytes*/) {}

int64_t immediate_now_ns() {
  return now_ns;
}

}  // namespace pipeloom::emulation
