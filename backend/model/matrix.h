#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "backend/model/matrix_memory.h"
#include "core/base/check.h"

namespace pipeloom::backend {

// A window of row-major numbers that something else owns; `stride` numbers from one row to the next.
template <typename Real>
struct View {
  Real* data = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t stride = 0;

  Real* row(int64_t i) const { return data + i * stride; }
  View columns_at(int64_t begin, int64_t count) const { return {data + begin, rows, count, stride}; }
  View rows_at(int64_t begin, int64_t count) const { return {data + begin * stride, count, columns, stride}; }
  operator View<const Real>() const requires(!std::is_const_v<Real>) { return {data, rows, columns, stride}; }
};

// Row-major numbers, zero at first.
template <typename Real>
class Matrix {
 public:
  Matrix() = default;
  Matrix(int64_t rows, int64_t columns)
      : rows_(rows),
        columns_(columns),
        numbers_(static_cast<size_t>(rows * columns)),
        counted_(size() * int64_t{sizeof(Real)}) {}

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  int64_t size() const { return static_cast<int64_t>(numbers_.size()); }
  Real* row(int64_t i) { return numbers_.data() + i * columns_; }
  const Real* row(int64_t i) const { return numbers_.data() + i * columns_; }
  std::vector<Real>& numbers() { return numbers_; }
  const std::vector<Real>& numbers() const { return numbers_; }

  View<Real> view() { return {numbers_.data(), rows_, columns_, columns_}; }
  View<const Real> view() const { return {numbers_.data(), rows_, columns_, columns_}; }

  Matrix& operator+=(const Matrix& other) {
    PIPELOOM_THROW_UNLESS(rows_ == other.rows_ && columns_ == other.columns_);
    for (size_t i = 0; i < numbers_.size(); ++i) numbers_[i] += other.numbers_[i];
    return *this;
  }
  bool operator==(const Matrix&) const = default;

 private:
  int64_t rows_ = 0;
  int64_t columns_ = 0;
  std::vector<Real> numbers_;
  CountedBytes counted_;
};

template <typename Real>
Matrix<std::remove_const_t<Real>> transposed(View<Real> values) {
  Matrix<std::remove_const_t<Real>> result(values.columns, values.rows);
  for (int64_t i = 0; i < values.rows; ++i) {
    for (int64_t j = 0; j < values.columns; ++j) result.row(j)[i] = values.row(i)[j];
  }
  return result;
}

}  // namespace pipeloom::backend
