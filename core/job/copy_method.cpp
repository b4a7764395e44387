#include "core/job/copy_method.h"

#include "core/base/check.h"

namespace pipeloom {

const char* copy_method_name(CopyMethod method) {
  constexpr std::array kNames = {"load-store", "streaming", "streaming-read-only", "bulk"};
  const auto index = static_cast<size_t>(method);
  PIPELOOM_THROW_UNLESS(index < kNames.size());
  return kNames[index];
}

std::optional<CopyMethod> find_copy_method(std::string_view name) {
  for (const CopyMethod method : kCopyMethods) {
    if (name == copy_method_name(method)) return method;
  }
  return std::nullopt;
}

}  // namespace pipeloom
