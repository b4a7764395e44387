#include "backend/model/rope.h"

#include <cmath>

namespace pipeloom::backend {

template <typename Real>
Rope<Real>::Rope(int64_t sequence, int64_t dim) : sequence_(sequence), half_(dim / 2) {
  PIPELOOM_THROW_UNLESS(dim % 2 == 0);
  for (int64_t position = 0; position < sequence; ++position) {
    for (int64_t i = 0; i < half_; ++i) {
      const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(dim);
      const double angle = static_cast<double>(position) * std::pow(10'000.0, exponent);
      cosines_.push_back(static_cast<Real>(std::cos(angle)));
      sines_.push_back(static_cast<Real>(std::sin(angle)));
    }
  }
}

template <typename Real>
void Rope<Real>::rotate(View<Real> head, Real direction) const {
  PIPELOOM_THROW_UNLESS(head.columns == 2 * half_);
  for (int64_t r = 0; r < head.rows; ++r) {
    Real* row = head.row(r);
    const int64_t begin = (r % sequence_) * half_;
    for (int64_t i = 0; i < half_; ++i) {
      const Real cosine = cosines_[begin + i];
      const Real sine = direction * sines_[begin + i];
      const Real first = row[i];
      const Real second = row[half_ + i];
      row[i] = first * cosine - second * sine;
      row[half_ + i] = second * cosine + first * sine;
    }
  }
}

template class Rope<float>;
template class Rope<double>;

}  // namespace pipeloom::backend
