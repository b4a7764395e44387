#pragma once

#include "backend/model/products.h"

namespace pipeloom::backend {

// `exact` products of factors that are rounded to BF16, as a tensor core takes them; sums stay FP32.
class Bf16Products : public Products<float> {
 public:
  // Keeps the reference.
  explicit Bf16Products(const Products<float>& exact) : exact_(exact) {}
  void multiply(Form form, View<const float> a, View<const float> b, View<float> c, Into into) const override;

 private:
  const Products<float>& exact_;
};

}  // namespace pipeloom::backend
