#include "backend/cuda/tune/cupti_status.h"

#include <fmt/format.h>

namespace pipeloom::backend {

Status cupti_status(CUptiResult result, const char* what) {
  if (result == CUPTI_SUCCESS) return {};
  if (result == CUPTI_ERROR_INSUFFICIENT_PRIVILEGES ||
      result == CUPTI_ERROR_VIRTUALIZED_DEVICE_INSUFFICIENT_PRIVILEGES) {
    return unsupported(
        fmt::format("{}: the GPU's counters need rights (ERR_NVGPUCTRPERM, https://developer.nvidia.com/"
                    "ERR_NVGPUCTRPERM): run as root (in a container with the capability SYS_ADMIN), or load the driver "
                    "with NVreg_RestrictProfilingToAdminUsers=0",
                    what));
  }
  const char* words = nullptr;
  if (cuptiGetResultString(result, &words) != CUPTI_SUCCESS || words == nullptr) words = "unknown";
  return unsupported(fmt::format("{}: CUPTI says {} ({})", what, words, static_cast<int>(result)));
}

}  // namespace pipeloom::backend
