#include <dnnl.h>
#include <omp.h>

#include "backend/model/products.h"

namespace pipeloom::backend {

namespace {

class OnednnProducts : public Products<float> {
 public:
  void multiply(Form form, View<const float> a, View<const float> b, View<float> c, Into into) const override {
    const bool turn_a = form == Form::kTransposedA;
    const bool turn_b = form == Form::kTransposedB;
    const int64_t inner = turn_a ? a.rows : a.columns;
    PIPELOOM_THROW_UNLESS(inner == (turn_b ? b.columns : b.rows));
    PIPELOOM_THROW_UNLESS(c.rows == (turn_a ? a.columns : a.rows) && c.columns == (turn_b ? b.rows : b.columns));
    if (c.rows == 0 || c.columns == 0 || inner == 0) return set_zero(c, into);
    omp_set_num_threads(1);  // of this thread's calls: a rank is one core
    const dnnl_status_t status =
        dnnl_sgemm(turn_a ? 'T' : 'N', turn_b ? 'T' : 'N', c.rows, c.columns, inner, 1.0F, a.data, a.stride, b.data,
                   b.stride, into == Into::kAdd ? 1.0F : 0.0F, c.data, c.stride);
    PIPELOOM_THROW_UNLESS(status == dnnl_success);
  }

 private:
  static void set_zero(View<float> c, Into into) {
    if (into == Into::kAdd) return;
    for (int64_t i = 0; i < c.rows; ++i) std::fill_n(c.row(i), c.columns, 0.0F);
  }
};

}  // namespace

const Products<float>& onednn_products() {
  static const OnednnProducts products;
  return products;
}

}  // namespace pipeloom::backend
