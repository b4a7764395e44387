#pragma once

#include <cublasLt.h>

#include <map>
#include <memory>

#include "backend/cuda/kernels/stream.h"
#include "backend/cuda/products/lt_descriptors.h"

namespace pipeloom {

// Products by cuBLASLt, for one host thread. Keeps the algorithm of every description that it has seen, and a workspace
// for every stream.
class LtProducts {
 public:
  LtProducts();
  ~LtProducts();
  LtProducts(const LtProducts&) = delete;
  LtProducts& operator=(const LtProducts&) = delete;

  // Issues the product. Throws std::runtime_error where cuBLASLt has no algorithm for it, with the shape.
  void multiply(const SmStream& stream, const ProductDescription& product, const ProductOperands& operands);

 private:
  struct Chosen {
    std::unique_ptr<LtDescriptors> descriptors;
    cublasLtMatmulAlgo_t algorithm = {};
  };
  Chosen& chosen(const ProductDescription& product, const ProductOperands& operands);
  void* workspace(const SmStream& stream);

  cublasLtHandle_t handle_ = nullptr;
  std::map<ProductDescription, Chosen> chosen_;
  std::map<CUstream_st*, void*> workspaces_;
};

}  // namespace pipeloom
