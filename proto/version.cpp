#include "proto/version.h"

#include <fmt/format.h>

namespace pipeloom {

namespace {

// Field 1 as a string: tag 0x0A, length, characters.
bool starts_with_kind(std::string_view content, std::string_view kind) {
  return content.size() >= kind.size() + 2 && content[0] == '\x0A' && content[1] == static_cast<char>(kind.size()) &&
         content.substr(2).starts_with(kind);
}

}  // namespace

Status check_version(std::string_view path, uint32_t format_version) {
  if (format_version <= kFormatVersion) return {};
  return unsupported(fmt::format("{} has format version {}; this pipeloom reads up to {}: update pipeloom", path,
                                 format_version, kFormatVersion));
}

Status check_kind(std::string_view path, std::string_view content, std::string_view kind) {
  if (content.empty()) return invalid(fmt::format("{} is empty; expected a {}", path, kind));
  if (starts_with_kind(content, kind)) return {};
  for (const std::string_view other : {kPlanKind, kTraceKind}) {
    if (starts_with_kind(content, other)) return invalid(fmt::format("{} is a {}; expected a {}", path, other, kind));
  }
  return invalid(fmt::format("{} is not a {}", path, kind));
}

Error in_file(std::string_view path, Error error) {
  error.message = fmt::format("{}: {}", path, error.message);
  return error;
}

}  // namespace pipeloom
