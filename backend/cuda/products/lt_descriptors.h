#pragma once

#include <cublasLt.h>

#include "backend/device/products/description.h"

namespace pipeloom::backend {

// The largest power of two up to 256 that each address is a multiple of; algorithms are chosen for it.
struct OperandAlignment {
  uint32_t a = 256;
  uint32_t b = 256;
  uint32_t d = 256;

  static OperandAlignment of(const ProductOperands& operands);
  auto operator<=>(const OperandAlignment&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 sees a 0
};

// A description as cuBLASLt's own descriptors; needs no GPU. Owns them.
class LtDescriptors {
 public:
  LtDescriptors(const ProductDescription& product, const OperandAlignment& alignment);
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

}  // namespace pipeloom::backend
