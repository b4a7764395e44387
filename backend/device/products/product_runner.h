#pragma once

#include "backend/device/kernels/stream.h"
#include "backend/device/products/description.h"

namespace pipeloom::backend {

// What issues described products to a stream: cuBLASLt, or a reference in tests.
class ProductRunner {
 public:
  virtual ~ProductRunner() = default;
  virtual void multiply(const SmStream& stream, const ProductDescription& product, const ProductOperands& operands) = 0;
};

}  // namespace pipeloom::backend
