#include "backend/cuda/products/lt_products.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <stdexcept>

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/cuda_error.h"

namespace pipeloom::backend {

LtProducts::LtProducts() {
  PIPELOOM_CUBLAS_CHECK(cublasLtCreate(&handle_));
  PIPELOOM_CUDA_CHECK(cudaMalloc(&workspace_, kProductWorkspaceBytes));
}

LtProducts::~LtProducts() {
  cudaFree(workspace_);
  cublasLtDestroy(handle_);
}

LtProducts::Chosen& LtProducts::chosen(const ProductDescription& product, const ProductOperands& operands) {
  const auto [place, is_new] = chosen_.try_emplace({product, OperandAlignment::of(operands)});
  Chosen& chosen = place->second;
  if (!is_new) {
    chosen.descriptors->set_scales(operands.a_scales, operands.b_scales);
    return chosen;
  }
  chosen.descriptors = std::make_unique<LtDescriptors>(product, place->first.second);
  const LtDescriptors& with = *chosen.descriptors;
  chosen.descriptors->set_scales(operands.a_scales, operands.b_scales);
  cublasLtMatmulHeuristicResult_t found = {};
  int count = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(handle_, with.operation(), with.a(), with.b(), with.d(),
                                                               with.d(), with.preference(), 1, &found, &count);
  if (status != CUBLAS_STATUS_SUCCESS || count == 0) {
    chosen_.erase(place);
    throw CudaError(fmt::format("cuBLASLt has no algorithm for a product of {}x{}x{} in {} batches on {} SMs: {}",
                                product.m, product.n, product.inner, product.batches, product.sms,
                                cublasLtGetStatusString(status)));
  }
  chosen.algorithm = found.algo;
  return chosen;
}

void LtProducts::multiply(const SmStream& stream, const ProductDescription& product, const ProductOperands& operands) {
  const Chosen& with = chosen(product, operands);
  const float alpha = 1;
  const float beta = product.accumulate ? 1 : 0;
  PIPELOOM_CUBLAS_CHECK(cublasLtMatmul(handle_, with.descriptors->operation(), &alpha, operands.a,
                                       with.descriptors->a(), operands.b, with.descriptors->b(), &beta, operands.d,
                                       with.descriptors->d(), operands.d, with.descriptors->d(), &with.algorithm,
                                       workspace_, static_cast<size_t>(product.workspace_bytes), stream.stream));
}

}  // namespace pipeloom::backend
