#include "proto/base/version.h"

#include <fmt/format.h>

#include <optional>

#include "proto/base/wire.h"

namespace pipeloom::proto {

std::string_view kind_of(std::string_view content) {
  const auto first = content.empty() ? std::nullopt : take_field(&content);
  for (const std::string_view kind : {kPlanKind, kTraceKind}) {
    if (first && first->tag == length_delimited_tag(1) && first->content == kind) return kind;
  }
  return {};
}

namespace {

Status check_kind(std::string_view path, std::string_view content, std::string_view kind) {
  if (content.empty()) return invalid(fmt::format("{} is empty; expected a {}", path, kind));
  const std::string_view found = kind_of(content);
  if (found == kind) return {};
  if (found.empty()) return invalid(fmt::format("{} is not a {}", path, kind));
  return invalid(fmt::format("{} is a {}; expected a {}", path, found, kind));
}

}  // namespace

Status check_version(std::string_view path, uint64_t format_version) {
  if (format_version <= kFormatVersion) return {};
  return unsupported(fmt::format("{} has format version {}; this pipeloom reads up to {}: update pipeloom", path,
                                 format_version, kFormatVersion));
}

Status check_header(std::string_view path, std::string_view content, std::string_view kind) {
  PIPELOOM_RETURN_IF_ERROR(check_kind(path, content, kind));
  take_field(&content);
  const auto version = content.empty() ? std::nullopt : take_field(&content);
  if (version && version->tag == varint_tag(2)) return check_version(path, version->number);
  return invalid(fmt::format("{} is cut off or damaged", path));
}

Error in_file(std::string_view path, Error error) {
  error.message = fmt::format("{}: {}", path, error.message);
  return error;
}

}  // namespace pipeloom::proto
