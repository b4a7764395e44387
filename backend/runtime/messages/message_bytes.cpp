#include "backend/runtime/messages/message_bytes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "backend/model/kept.h"

namespace pipeloom::backend {

namespace {

Status check_size(size_t size, size_t expected) {
  if (size == expected) return {};
  return invalid(fmt::format("a message has {} bytes; expected are {}", size, expected));
}

}  // namespace

std::vector<std::byte> to_bytes(std::span<const float> numbers) {
  const auto bytes = std::as_bytes(numbers);
  return {bytes.begin(), bytes.end()};
}

Status from_bytes(std::span<const std::byte> bytes, std::span<float> numbers) {
  PIPELOOM_RETURN_IF_ERROR(check_size(bytes.size(), numbers.size_bytes()));
  std::ranges::copy(bytes, std::as_writable_bytes(numbers).begin());
  return {};
}

std::vector<std::byte> matrix_to_bytes(const Matrix<float>& matrix, Format format) {
  return packed(matrix, format);
}

Result<Matrix<float>> matrix_from_bytes(std::span<const std::byte> bytes, Format format, int64_t rows,
                                        int64_t columns) {
  PIPELOOM_RETURN_IF_ERROR(check_size(bytes.size(), packed_bytes(format, rows, columns)));
  return unpacked(bytes, format, rows, columns);
}

namespace {

template <typename Value>
void append(std::vector<std::byte>& bytes, std::span<const Value> values) {
  const auto more = std::as_bytes(values);
  bytes.insert(bytes.end(), more.begin(), more.end());
}

// Takes what a message says next.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <typename Value>
  Status take(std::vector<Value>& values) {
    const size_t size = values.size() * sizeof(Value);
    if (bytes_.size() < size) return check_size(bytes_.size(), size);
    if (size > 0) std::memcpy(values.data(), bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
    return {};
  }
  std::span<const std::byte> rest() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace

// Counts, whether tokens and weights follow, those, the rows.
std::vector<std::byte> rows_to_bytes(const ExpertRows<float>& rows, Format format) {
  const int32_t has[] = {rows.tokens.empty() ? 0 : 1, rows.weights.empty() ? 0 : 1};
  std::vector<std::byte> bytes;
  append<int32_t>(bytes, rows.counts);
  append<int32_t>(bytes, has);
  append<int32_t>(bytes, rows.tokens);
  append<float>(bytes, rows.weights);
  append<std::byte>(bytes, packed(rows.rows, format));
  return bytes;
}

Result<ExpertRows<float>> rows_from_bytes(std::span<const std::byte> bytes, Format format, size_t experts,
                                          int64_t hidden) {
  ExpertRows<float> rows;
  rows.counts.resize(experts);
  std::vector<int32_t> has(2);
  Reader reader(bytes);
  PIPELOOM_RETURN_IF_ERROR(reader.take(rows.counts));
  PIPELOOM_RETURN_IF_ERROR(reader.take(has));
  if (std::ranges::min(rows.counts) < 0) return invalid("a message counts fewer than 0 rows for an expert");
  const int64_t count = std::accumulate(rows.counts.begin(), rows.counts.end(), int64_t{0});
  const auto most = static_cast<int64_t>(reader.rest().size());
  if (count > most) return invalid(fmt::format("a message of {} bytes counts {} rows", bytes.size(), count));
  rows.tokens.resize(has[0] != 0 ? count : 0);
  rows.weights.resize(has[1] != 0 ? count : 0);
  PIPELOOM_RETURN_IF_ERROR(reader.take(rows.tokens));
  PIPELOOM_RETURN_IF_ERROR(reader.take(rows.weights));
  PIPELOOM_TRY(rows.rows, matrix_from_bytes(reader.rest(), format, count, hidden));
  return rows;
}

}  // namespace pipeloom::backend
