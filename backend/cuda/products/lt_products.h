#pragma once

#include <cublasLt.h>

#include <map>
#include <memory>
#include <utility>

#include "backend/cuda/products/lt_descriptors.h"
#include "backend/device/kernels/stream.h"
#include "backend/device/products/product_runner.h"

namespace pipeloom::backend {

// Products by cuBLASLt, for one host thread, on one stream at a time: they share a workspace. Keeps the algorithm of
// every description that it has seen.
class LtProducts : public ProductRunner {
 public:
  LtProducts();
  ~LtProducts() override;
  LtProducts(const LtProducts&) = delete;
  LtProducts& operator=(const LtProducts&) = delete;

  // Issues the product. Throws CudaError where cuBLASLt has no algorithm for it, with the shape.
  void multiply(const SmStream& stream, const ProductDescription& product, const ProductOperands& operands) override;

 private:
  struct Chosen {
    std::unique_ptr<LtDescriptors> descriptors;
    cublasLtMatmulAlgo_t algorithm = {};
  };
  Chosen& chosen(const ProductDescription& product, const ProductOperands& operands);

  cublasLtHandle_t handle_ = nullptr;
  std::map<std::pair<ProductDescription, OperandAlignment>, Chosen> chosen_;
  void* workspace_ = nullptr;
};

}  // namespace pipeloom::backend
