#pragma once

#include <cublasLt.h>

#include <map>
#include <memory>
#include <utility>

#include "backend/cuda/kernels/stream.h"
#include "backend/cuda/products/lt_descriptors.h"
#include "backend/cuda/products/product_runner.h"

namespace pipeloom {

// Products by cuBLASLt, for one host thread. Keeps the algorithm of every description that it has seen, and a workspace
// for every stream: a product must have run once with its shape and on its stream before a graph captures it.
class LtProducts : public ProductRunner {
 public:
  LtProducts();
  ~LtProducts() override;
  LtProducts(const LtProducts&) = delete;
  LtProducts& operator=(const LtProducts&) = delete;

  // Issues the product. Throws std::runtime_error where cuBLASLt has no algorithm for it, with the shape.
  void multiply(const SmStream& stream, const ProductDescription& product, const ProductOperands& operands) override;

 private:
  struct Chosen {
    std::unique_ptr<LtDescriptors> descriptors;
    cublasLtMatmulAlgo_t algorithm = {};
  };
  Chosen& chosen(const ProductDescription& product, const ProductOperands& operands);
  void* workspace(const SmStream& stream);

  cublasLtHandle_t handle_ = nullptr;
  std::map<std::pair<ProductDescription, OperandAlignment>, Chosen> chosen_;
  std::map<CUstream_st*, void*> workspaces_;
};

}  // namespace pipeloom
