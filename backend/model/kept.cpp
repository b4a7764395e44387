#include "backend/model/kept.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "backend/model/fp8_products.h"
#include "backend/model/low_precision.h"

namespace pipeloom::backend {

namespace {

// What is emulated of a format.
Format executed(Format format) {
  return format == Format::kFp16 ? Format::kFp32 : format;
}

int64_t tiles_of(int64_t columns) {
  return (columns + kFormatTile - 1) / kFormatTile;
}

int64_t packed_row_bytes(Format format, int64_t columns) {
  switch (executed(format)) {
    case Format::kBf16:
      return 2 * columns;
    case Format::kE5m6:
      return (3 * columns + 1) / 2 + tiles_of(columns) * int64_t{sizeof(float)};
    case Format::kFp8:
      return columns + tiles_of(columns) * int64_t{sizeof(float)};
    case Format::kFp16:
    case Format::kFp32:
      break;
  }
  return columns * int64_t{sizeof(float)};
}

// The least power of two by which the largest of `numbers` times it holds every number of a tile.
float scale_for(std::span<const float> tile, const NumberFormat& numbers) {
  float most = 0;
  for (const float number : tile) most = std::max(most, std::abs(number));
  if (!(most > 0) || !std::isfinite(most)) return 1;
  int exponent = 0;
  // Both are exact in double, and their quotient is not rounded to a power of two.
  const double fraction = std::frexp(static_cast<double>(most) / static_cast<double>(largest(numbers)), &exponent);
  const float scale = std::ldexp(1.0F, fraction == 0.5 ? exponent - 1 : exponent);
  return std::max(scale, std::ldexp(1.0F, -126));
}

// As encode(_, kBf16Format) does, but that too large numbers become infinite; simple enough for vectors.
void pack_bf16(std::span<const float> row, std::byte* to) {
  for (const float number : row) {
    const auto bits = std::bit_cast<uint32_t>(number);
    const auto code = static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    std::memcpy(to, &code, sizeof code);
    to += sizeof code;
  }
}
void unpack_bf16(const std::byte* from, std::span<float> row) {
  for (float& number : row) {
    uint16_t code = 0;
    std::memcpy(&code, from, sizeof code);
    number = std::bit_cast<float>(static_cast<uint32_t>(code) << 16);
    from += sizeof code;
  }
}

// A row in tiles: their scales, then their codes. `pack` writes a tile's codes and returns where the next ones go.
template <typename Pack>
void pack_tiles(std::span<const float> row, const NumberFormat& format, std::byte* to, const Pack& pack) {
  std::byte* codes = to + tiles_of(static_cast<int64_t>(row.size())) * sizeof(float);
  for (size_t begin = 0; begin < row.size(); begin += kFormatTile) {
    const auto tile = row.subspan(begin, std::min<size_t>(kFormatTile, row.size() - begin));
    const float scale = scale_for(tile, format);
    std::memcpy(to, &scale, sizeof scale);
    to += sizeof scale;
    codes = pack(tile, scale, codes);
  }
}
template <typename Unpack>
void unpack_tiles(const std::byte* from, std::span<float> row, const Unpack& unpack) {
  const std::byte* codes = from + tiles_of(static_cast<int64_t>(row.size())) * sizeof(float);
  for (size_t begin = 0; begin < row.size(); begin += kFormatTile) {
    float scale = 0;
    std::memcpy(&scale, from, sizeof scale);
    from += sizeof scale;
    codes = unpack(codes, scale, row.subspan(begin, std::min<size_t>(kFormatTile, row.size() - begin)));
  }
}

// DeepSeek-V3's E5M6: two numbers in three bytes.
std::byte* pack_e5m6(std::span<const float> tile, float scale, std::byte* to) {
  for (size_t i = 0; i < tile.size(); i += 2) {
    const bool whole = i + 1 < tile.size();
    const uint32_t low = encode(tile[i] / scale, kE5m6Format);
    const uint32_t high = whole ? encode(tile[i + 1] / scale, kE5m6Format) : 0;
    const uint32_t both = low | high << 12;
    for (int byte = 0; byte < (whole ? 3 : 2); ++byte) *to++ = static_cast<std::byte>(both >> (8 * byte));
  }
  return to;
}
const std::byte* unpack_e5m6(const std::byte* from, float scale, std::span<float> tile) {
  constexpr uint32_t kMask = 0xfff;
  for (size_t i = 0; i < tile.size(); i += 2) {
    const bool whole = i + 1 < tile.size();
    uint32_t both = 0;
    for (int byte = 0; byte < (whole ? 3 : 2); ++byte) both |= static_cast<uint32_t>(*from++) << (8 * byte);
    tile[i] = decode(static_cast<uint16_t>(both & kMask), kE5m6Format) * scale;
    if (whole) tile[i + 1] = decode(static_cast<uint16_t>(both >> 12), kE5m6Format) * scale;
  }
  return from;
}

std::byte* pack_fp8(std::span<const float> tile, float scale, std::byte* to) {
  for (const float number : tile) *to++ = static_cast<std::byte>(encode(number / scale, kE4m3Format));
  return to;
}

const std::array<float, 256>& e4m3_values() {
  static const std::array<float, 256> values = [] {
    std::array<float, 256> all{};
    for (size_t code = 0; code < all.size(); ++code) all[code] = decode(static_cast<uint16_t>(code), kE4m3Format);
    return all;
  }();
  return values;
}

const std::byte* unpack_fp8(const std::byte* from, float scale, std::span<float> tile) {
  const std::array<float, 256>& values = e4m3_values();
  for (float& number : tile) number = values[static_cast<uint8_t>(*from++)] * scale;
  return from;
}

void pack_row(std::span<const float> row, Format format, std::byte* to) {
  switch (executed(format)) {
    case Format::kBf16:
      return pack_bf16(row, to);
    case Format::kE5m6:
      return pack_tiles(row, kE5m6Format, to, pack_e5m6);
    case Format::kFp8:
      return pack_tiles(row, kE4m3Format, to, pack_fp8);
    case Format::kFp16:
    case Format::kFp32:
      break;
  }
  std::ranges::copy(std::as_bytes(row), to);
}

void unpack_row(const std::byte* from, Format format, std::span<float> row) {
  switch (executed(format)) {
    case Format::kBf16:
      return unpack_bf16(from, row);
    case Format::kE5m6:
      return unpack_tiles(from, row, unpack_e5m6);
    case Format::kFp8:
      return unpack_tiles(from, row, unpack_fp8);
    case Format::kFp16:
    case Format::kFp32:
      break;
  }
  if (!row.empty()) std::memcpy(row.data(), from, row.size_bytes());
}

}  // namespace

int64_t packed_bytes(Format format, int64_t rows, int64_t columns, Scales scales) {
  const bool by_columns = format == Format::kFp8 && scales == Scales::kOfColumns;
  if (by_columns) return rows * columns + tiles_of(rows) * columns * int64_t{sizeof(float)};
  return rows * packed_row_bytes(format, columns);
}

std::vector<std::byte> packed(const Matrix<float>& values, Format format) {
  std::vector<std::byte> bytes(packed_bytes(format, values.rows(), values.columns()));
  const int64_t stride = packed_row_bytes(format, values.columns());
  for (int64_t i = 0; i < values.rows(); ++i) {
    pack_row(std::span(values.row(i), values.columns()), format, bytes.data() + i * stride);
  }
  return bytes;
}

Matrix<float> unpacked(std::span<const std::byte> bytes, Format format, int64_t rows, int64_t columns) {
  PIPELOOM_THROW_UNLESS(static_cast<int64_t>(bytes.size()) == packed_bytes(format, rows, columns));
  Matrix<float> values(rows, columns);
  const int64_t stride = packed_row_bytes(format, columns);
  for (int64_t i = 0; i < rows; ++i) {
    unpack_row(bytes.data() + i * stride, format, std::span(values.row(i), columns));
  }
  return values;
}

void round_to(Matrix<float>& values, Format format) {
  if (executed(format) == Format::kFp32) return;
  values = unpacked(packed(values, format), format, values.rows(), values.columns());
}

namespace {

// The scales of tiles of 128x1, row by row, then the codes.
std::vector<std::byte> packed_by_columns(const Matrix<float>& values) {
  const ScaledTiles tiles = scaled_tiles(values.view(), kFormatTile, 1);
  const auto scales = std::as_bytes(std::span(tiles.scales.numbers()));
  std::vector<std::byte> bytes(scales.begin(), scales.end());
  for (const float number : tiles.numbers.numbers()) {
    bytes.push_back(static_cast<std::byte>(encode(number, kE4m3Format)));
  }
  return bytes;
}

Matrix<float> unpacked_by_columns(std::span<const std::byte> bytes, int64_t rows, int64_t columns) {
  const std::array<float, 256>& values = e4m3_values();
  Matrix<float> scales(tiles_of(rows), columns);
  const auto scale_bytes = std::as_writable_bytes(std::span(scales.numbers()));
  std::ranges::copy(bytes.first(scale_bytes.size()), scale_bytes.begin());
  auto code = bytes.begin() + static_cast<std::ptrdiff_t>(scale_bytes.size());
  Matrix<float> result(rows, columns);
  for (int64_t i = 0; i < rows; ++i) {
    const float* scale = scales.row(i / kFormatTile);
    for (int64_t j = 0; j < columns; ++j) result.row(i)[j] = values[static_cast<uint8_t>(*code++)] * scale[j];
  }
  return result;
}

bool is_by_columns(Format format, Scales scales) {
  return format == Format::kFp8 && scales == Scales::kOfColumns;
}

}  // namespace

template <>
Kept<float>::Kept(const Matrix<float>& values, Format format, Scales scales)
    : format_(format),
      scales_(scales),
      rows_(values.rows()),
      columns_(values.columns()),
      bytes_(is_by_columns(format, scales) ? packed_by_columns(values) : packed(values, format)),
      counted_(static_cast<int64_t>(bytes_.size()), Counted::kKept) {}

template <>
Matrix<float> Kept<float>::values() const {
  return is_by_columns(format_, scales_) ? unpacked_by_columns(bytes_, rows_, columns_)
                                         : unpacked(bytes_, format_, rows_, columns_);
}

// The format is ignored: tests of the maths are exact.
template <>
Kept<double>::Kept(const Matrix<double>& values, Format /*format*/, Scales /*scales*/)
    : rows_(values.rows()), columns_(values.columns()), bytes_(values.size() * sizeof(double)) {
  if (values.size() > 0) std::memcpy(bytes_.data(), values.row(0), bytes_.size());
}

template <>
Matrix<double> Kept<double>::values() const {
  Matrix<double> values(rows_, columns_);
  if (values.size() > 0) std::memcpy(values.row(0), bytes_.data(), bytes_.size());
  return values;
}

}  // namespace pipeloom::backend
