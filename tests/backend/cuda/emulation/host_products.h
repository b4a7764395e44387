#pragma once

#include "backend/cuda/model/gpu_products.h"

namespace pipeloom::tests {

// Does what a description of a product says, number by number, as cuBLASLt documents it: matrices by columns, scales by
// their mode. Sums in doubles.
class HostProducts : public ProductRunner {
 public:
  void multiply(const SmStream& stream, const ProductDescription& product, const ProductOperands& operands) override;
};

}  // namespace pipeloom::tests
