#pragma once

#include <cublasLt.h>

#include "backend/cuda/products/description.h"

namespace pipeloom {

// A description as cuBLASLt's own descriptors; needs no GPU. Owns them.
class LtDescriptors {
 public:
  explicit LtDescriptors(const ProductDescription& product);
  ~LtDescriptors();
  LtDescriptors(const LtDescriptors&) = delete;
  LtDescriptors& operator=(const LtDescriptors&) = delete;

  // The scales' addresses are part of cuBLASLt's description.
  void set_scales(const float* a, const float* b);

  cublasLtMatmulDesc_t operation() const { return operation_; }
  cublasLtMatrixLayout_t a() const { return a_; }
  cublasLtMatrixLayout_t b() const { return b_; }
  cublasLtMatrixLayout_t d() const { return d_; }
  cublasLtMatmulPreference_t preference() const { return preference_; }

 private:
  void set_operation(const ProductDescription& product);

  cublasLtMatmulDesc_t operation_ = nullptr;
  cublasLtMatrixLayout_t a_ = nullptr;
  cublasLtMatrixLayout_t b_ = nullptr;
  cublasLtMatrixLayout_t d_ = nullptr;
  cublasLtMatmulPreference_t preference_ = nullptr;
};

}  // namespace pipeloom
