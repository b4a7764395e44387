#include "core/job/hand_over_copy.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/field_check.h"

namespace pipeloom {

namespace {

constexpr int64_t kUnitBytes = 16;  // that a thread moves at a time
constexpr int64_t kMostBytes = int64_t{1} << 40;

Status check_points(const std::string& path, const HandOverCurve& curve) {
  if (curve.points.empty()) return invalid(fmt::format("{} is empty; allowed are 1 point and more", path));
  int64_t before = 0;
  for (const HandOverCurve::Point& point : curve.points) {
    PIPELOOM_RETURN_IF_ERROR(check_field(path + ".message_bytes", point.message_bytes, before + 1, kMostBytes));
    PIPELOOM_RETURN_IF_ERROR(check_field(path + ".bytes_per_s", point.bytes_per_s, 1e6, 1e18));
    PIPELOOM_RETURN_IF_ERROR(check_hand_over(path, point.how));
    before = point.message_bytes;
  }
  return {};
}

}  // namespace

int64_t piece_of_tokens(int64_t tokens, int64_t token_bytes) {
  return std::max(kUnitBytes, (tokens * token_bytes + kUnitBytes - 1) / kUnitBytes * kUnitBytes);
}

Status check_hand_over(std::string_view path, const HandOverCopy& how) {
  PIPELOOM_RETURN_IF_ERROR(check_field(fmt::format("{}.piece_bytes", path), how.piece_bytes, kUnitBytes, kMostBytes));
  if (how.piece_bytes % kUnitBytes == 0) return {};
  return invalid(
      fmt::format("{}.piece_bytes is {}; allowed are multiples of {}", path, how.piece_bytes, int64_t{kUnitBytes}));
}

Status check_hand_over_curves(std::string_view path, const std::vector<HandOverCurve>& curves) {
  int64_t before = 0;
  for (const HandOverCurve& curve : curves) {
    PIPELOOM_RETURN_IF_ERROR(check_field(fmt::format("{}.sms", path), int64_t{curve.sms}, before + 1, 10'000));
    PIPELOOM_RETURN_IF_ERROR(check_points(fmt::format("{}.of_message", path), curve));
    before = curve.sms;
  }
  return {};
}

}  // namespace pipeloom
