#include "core/job/formats.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <initializer_list>
#include <string>

#include "core/base/check.h"

namespace pipeloom {

namespace {

Status check_format(const char* field, const std::optional<Format>& format, std::initializer_list<Format> allowed) {
  if (!format) return {};
  std::string names;
  for (const Format one : allowed) {
    if (*format == one) return {};
    names += names.empty() ? "" : ", ";
    names += format_name(one);
  }
  return invalid(fmt::format("formats.{} is {}; allowed are {}", field, format_name(*format), names));
}

}  // namespace

const char* format_name(Format format) {
  constexpr std::array kNames = {"FP32", "FP16", "BF16", "E5M6", "FP8"};
  const auto index = static_cast<size_t>(format);
  PIPELOOM_THROW_UNLESS(index < kNames.size());
  return kNames[index];
}

double row_bytes(Format format, double width) {
  const double scales = sizeof(float) * std::ceil(width / kFormatTile);
  switch (format) {
    case Format::kFp32:
      return 4 * width;
    case Format::kFp16:
    case Format::kBf16:
      return 2 * width;
    case Format::kE5m6:
      return 1.5 * width + scales;
    case Format::kFp8:
      return width + scales;
  }
  check_failed("a format", __FILE__, __LINE__);
}

Status check_formats(const FormatChoice& choice) {
  using enum Format;
  PIPELOOM_RETURN_IF_ERROR(check_format("attention", choice.attention, {kBf16, kFp8}));
  PIPELOOM_RETURN_IF_ERROR(check_format("mlp", choice.mlp, {kBf16, kFp8}));
  PIPELOOM_RETURN_IF_ERROR(check_format("cached", choice.cached, {kBf16, kFp8}));
  PIPELOOM_RETURN_IF_ERROR(check_format("cached_core", choice.cached_core, {kBf16, kE5m6, kFp8}));
  PIPELOOM_RETURN_IF_ERROR(check_format("dispatch", choice.dispatch, {kBf16, kFp8}));
  PIPELOOM_RETURN_IF_ERROR(check_format("combine", choice.combine, {kBf16, kFp8}));
  return check_format("moments", choice.moments, {kFp32, kBf16});
}

}  // namespace pipeloom
