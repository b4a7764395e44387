#include "backend/runtime/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

namespace pipeloom {

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
  PIPELOOM_CHECK_OK(check_size(bytes.size(), numbers.size_bytes()));
  std::ranges::copy(bytes, std::as_writable_bytes(numbers).begin());
  return {};
}

Result<Matrix<float>> matrix_from_bytes(std::span<const std::byte> bytes, int64_t rows, int64_t columns) {
  Matrix<float> matrix(rows, columns);
  PIPELOOM_CHECK_OK(from_bytes(bytes, matrix.numbers()));
  return matrix;
}

std::vector<std::byte> rows_to_bytes(const ExpertRows<float>& rows) {
  const auto counts = std::as_bytes(std::span(rows.counts));
  const auto numbers = std::as_bytes(std::span(rows.rows.numbers()));
  std::vector<std::byte> bytes;
  bytes.reserve(counts.size() + numbers.size());
  bytes.insert(bytes.end(), counts.begin(), counts.end());
  bytes.insert(bytes.end(), numbers.begin(), numbers.end());
  return bytes;
}

Result<ExpertRows<float>> rows_from_bytes(std::span<const std::byte> bytes, size_t experts, int64_t hidden) {
  ExpertRows<float> rows;
  rows.counts.resize(experts);
  const size_t head = experts * sizeof(int32_t);
  if (bytes.size() < head) return tl::unexpected<Error>(check_size(bytes.size(), head).error());
  std::memcpy(rows.counts.data(), bytes.data(), head);
  const int64_t count = std::accumulate(rows.counts.begin(), rows.counts.end(), int64_t{0});
  if (std::ranges::min(rows.counts) < 0) return invalid("a message counts fewer than 0 rows for an expert");
  PIPELOOM_TRY(rows.rows, matrix_from_bytes(bytes.subspan(head), count, hidden));
  return rows;
}

}  // namespace pipeloom
