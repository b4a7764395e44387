#pragma once

#include "backend/device/model/gpu_products.h"

namespace pipeloom::tests {

// Does what a description of a product says, number by number, as cuBLASLt documents it: matrices by columns, scales by
// their mode. Sums in doubles.
class HostProducts : public backend::ProductRunner {
 public:
  void multiply(const backend::SmStream& stream, const backend::ProductDescription& product,
                const backend::ProductOperands& operands) override;
};

}  // namespace pipeloom::tests
