#pragma once

#include "backend/model/matrix.h"

namespace pipeloom::backend {

// Of a product of matrices: a b, a b' or a' b.
enum class Form { kPlain, kTransposedB, kTransposedA };
enum class Into { kSet, kAdd };

// What multiplies. Methods may run concurrently.
template <typename Real>
class Products {
 public:
  virtual ~Products() = default;
  virtual void multiply(Form form, View<const Real> a, View<const Real> b, View<Real> c, Into into) const = 0;

  // x [n, k] times w [k, m].
  Matrix<Real> times(View<const Real> x, View<const Real> w) const {
    Matrix<Real> y(x.rows, w.columns);
    multiply(Form::kPlain, x, w, y.view(), Into::kSet);
    return y;
  }
  // The gradient of x in times(x, w): dy [n, m] times w' [m, k].
  Matrix<Real> input_gradient(View<const Real> dy, View<const Real> w) const {
    Matrix<Real> dx(dy.rows, w.rows);
    multiply(Form::kTransposedB, dy, w, dx.view(), Into::kSet);
    return dx;
  }
  // Adds the gradient of w in times(x, w): x' [k, n] times dy [n, m].
  void add_weight_gradient(View<const Real> x, View<const Real> dy, View<Real> dw) const {
    multiply(Form::kTransposedA, x, dy, dw, Into::kAdd);
  }
};

// Sums in the order of the inner dimension, one number after the other: the same bits on every machine, and a row of c
// depends on its row of a and on b alone. For checks.
template <typename Real>
const Products<Real>& plain_products();

// oneDNN's, on the calling thread alone. The bits depend on the machine and in the last place on how many rows there
// are (dnnl_sgemm 2.6 on AVX2): whoever wants equal bits multiplies equal batches.
const Products<float>& onednn_products();

}  // namespace pipeloom::backend
