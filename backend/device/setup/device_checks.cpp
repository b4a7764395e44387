#include "backend/device/setup/device_checks.h"

#include <fmt/format.h>

#include "core/base/units.h"

namespace pipeloom::backend {

std::string cuda_version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

std::string nccl_version_text(int version) {
  return fmt::format("{}.{}.{}", version / 10000, version % 10000 / 100, version % 100);
}

Status check_device(const DeviceFacts& facts, const DeviceNeeds& needs) {
  const std::string who = fmt::format("GPU {} ({})", facts.number, facts.name);
  if (facts.capability != needs.capability) {
    return unsupported(fmt::format("{} has compute capability {:.1f}; the kernels of this build are for {:.1f}", who,
                                   facts.capability / 10.0, needs.capability / 10.0));
  }
  // Within a major version a newer runtime runs on an older driver.
  if (facts.driver_version / 1000 < needs.built_runtime_version / 1000) {
    return unsupported(fmt::format("the driver of {} is for CUDA {}; this build needs one for CUDA {}.0 or newer", who,
                                   cuda_version_text(facts.driver_version), needs.built_runtime_version / 1000));
  }
  if (facts.runtime_version / 1000 != needs.built_runtime_version / 1000) {
    return unsupported(fmt::format("the CUDA runtime that was loaded is {}; this build needs {}",
                                   cuda_version_text(facts.runtime_version),
                                   cuda_version_text(needs.built_runtime_version)));
  }
  if (facts.nccl_version != 0 && facts.nccl_version < needs.built_nccl_version) {
    return unsupported(fmt::format("the NCCL that was loaded is {}; this build needs {} or newer",
                                   nccl_version_text(facts.nccl_version), nccl_version_text(needs.built_nccl_version)));
  }
  if (facts.free_bytes < needs.bytes) {
    return invalid(
        fmt::format("{} has {} free of {}; {} rank{} need{} {}: fewer micro-batches in flight, a smaller "
                    "batch or more GPUs",
                    who, format_bytes(facts.free_bytes), format_bytes(facts.total_bytes), needs.ranks,
                    needs.ranks == 1 ? "" : "s", needs.ranks == 1 ? "s" : "", format_bytes(needs.bytes)));
  }
  return {};
}

}  // namespace pipeloom::backend
