#include "backend/cuda/nccl/nccl_progress.h"

#include <fmt/format.h>

namespace pipeloom::backend {

Status wait_for_nccl(const NcclProgress& progress, int64_t patience_ns, const std::string& what) {
  const int64_t give_up_ns = progress.now_ns() + patience_ns;
  while (true) {
    const ncclResult_t state = progress.state();
    if (state == ncclSuccess) return {};
    if (state != ncclInProgress) {
      return fail(ErrorCode::kIo, fmt::format("{}: NCCL says {}", what, ncclGetErrorString(state)));
    }
    if (const auto error = progress.aborted()) return tl::unexpected<Error>(*error);
    if (progress.now_ns() >= give_up_ns) {
      return fail(ErrorCode::kDeadlock,
                  fmt::format("{}: not done after {:.1f} s", what, static_cast<double>(patience_ns) / 1e9));
    }
    progress.pause();
  }
}

}  // namespace pipeloom::backend
