#include <algorithm>

#include "backend/model/products.h"

namespace pipeloom::backend {

namespace {

// Whole rows of b at a time, so that the compiler can use vectors without changing the order of any sum.
template <typename Real>
void multiply_rows(View<const Real> a, View<const Real> b, View<Real> c) {
  for (int64_t i = 0; i < a.rows; ++i) {
    Real* out = c.row(i);
    for (int64_t k = 0; k < a.columns; ++k) {
      const Real factor = a.row(i)[k];
      const Real* in = b.row(k);
      for (int64_t j = 0; j < b.columns; ++j) out[j] += factor * in[j];
    }
  }
}

template <typename Real>
class PlainProducts : public Products<Real> {
 public:
  void multiply(Form form, View<const Real> a, View<const Real> b, View<Real> c, Into into) const override {
    if (form == Form::kTransposedA) {
      const Matrix<Real> turned = transposed(a);
      return multiply(Form::kPlain, turned.view(), b, c, into);
    }
    if (form == Form::kTransposedB) {
      const Matrix<Real> turned = transposed(b);
      return multiply(Form::kPlain, a, turned.view(), c, into);
    }
    PIPELOOM_THROW_UNLESS(a.columns == b.rows && a.rows == c.rows && b.columns == c.columns);
    if (into == Into::kSet) {
      for (int64_t i = 0; i < c.rows; ++i) std::fill_n(c.row(i), c.columns, Real{0});
    }
    multiply_rows(a, b, c);
  }
};

}  // namespace

template <typename Real>
const Products<Real>& plain_products() {
  static const PlainProducts<Real> products;
  return products;
}

template const Products<float>& plain_products<float>();
template const Products<double>& plain_products<double>();

}  // namespace pipeloom::backend
