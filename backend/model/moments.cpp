#include "backend/model/moments.h"

#include "backend/model/kept.h"

namespace pipeloom::backend {

namespace {

Matrix<float> row_of(std::span<const float> numbers) {
  Matrix<float> row(1, static_cast<int64_t>(numbers.size()));
  row.numbers().assign(numbers.begin(), numbers.end());
  return row;
}

}  // namespace

int64_t moment_bytes(Format format) {
  return 2 * packed_bytes(format, 1, 1);
}

Moments::Moments(const NumberRange& range, Format format)
    : range_(range), format_(format), bytes_(range.count * moment_bytes(format)) {
  PIPELOOM_THROW_UNLESS(format == Format::kFp32 || format == Format::kBf16);
}

std::vector<float> Moments::values(int64_t begin) const {
  const size_t half = bytes_.size() / 2;
  const auto stored = std::span(bytes_).subspan(begin == 0 ? 0 : half, half);
  return unpacked(stored, format_, 1, range_.count).numbers();
}

void Moments::set(std::span<const float> first, std::span<const float> second) {
  bytes_ = packed(row_of(first), format_);
  const std::vector<std::byte> other = packed(row_of(second), format_);
  bytes_.insert(bytes_.end(), other.begin(), other.end());
}

}  // namespace pipeloom::backend
