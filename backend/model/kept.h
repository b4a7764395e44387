#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "backend/model/matrix.h"
#include "core/job/formats.h"

namespace pipeloom::backend {

// Numbers of a matrix as they are stored, row by row. FP8 and E5M6 have a scale for each tile of 1x128, a power of two,
// so that what was stored once is stored again without loss (DeepSeek-V3 report, arXiv 2412.19437, section 3.3.3). FP16
// is not emulated: it is FP32 here.
std::vector<std::byte> packed(const Matrix<float>& values, Format format);
// REQUIRES: packed_bytes(format, rows, columns) bytes.
Matrix<float> unpacked(std::span<const std::byte> bytes, Format format, int64_t rows, int64_t columns);
// Which numbers share a scale in FP8: 128 of a row, or 128 of a column, as in a factor of a W, where rows are added up.
enum class Scales : uint8_t { kOfRows, kOfColumns };
int64_t packed_bytes(Format format, int64_t rows, int64_t columns, Scales scales = Scales::kOfRows);

// What storing does to the values. Of doubles nothing: they are for tests of the maths.
void round_to(Matrix<float>& values, Format format);
inline void round_to(Matrix<double>& /*values*/, Format /*format*/) {}
template <typename Real>
Matrix<Real> rounded_to(Matrix<Real> values, Format format) {
  round_to(values, format);
  return values;
}

// A matrix that waits for a later pass, in few bytes; it counts as kept. With the scales of columns FP8 is what
// Fp8Products makes of a factor of a W, to which it loses nothing.
template <typename Real>
class Kept {
 public:
  Kept() = default;
  Kept(const Matrix<Real>& values, Format format, Scales scales = Scales::kOfRows);

  Matrix<Real> values() const;
  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  bool empty() const { return rows_ == 0; }

 private:
  Format format_ = Format::kFp32;
  Scales scales_ = Scales::kOfRows;
  int64_t rows_ = 0;
  int64_t columns_ = 0;
  std::vector<std::byte> bytes_;
  CountedBytes counted_;
};

}  // namespace pipeloom::backend
