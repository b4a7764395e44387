#include "backend/cuda/products/lt_descriptors.h"

#include <utility>

#include "backend/cuda/cuda_check.h"

namespace pipeloom::backend {

namespace {

cudaDataType_t type_of(NumberType type) {
  switch (type) {
    case NumberType::kF32:
      return CUDA_R_32F;
    case NumberType::kBf16:
      return CUDA_R_16BF;
    case NumberType::kE4m3:
      return CUDA_R_8F_E4M3;
  }
  return CUDA_R_32F;
}

int32_t mode_of(ScaleMode scales) {
  switch (scales) {
    case ScaleMode::kNone:
      return CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F;
    case ScaleMode::kRows128:
      return CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F;
    case ScaleMode::kBlocks128:
      return CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F;
  }
  return CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F;
}

cublasLtMatrixLayout_t layout_of(const ColumnMatrix& matrix, int64_t batches) {
  cublasLtMatrixLayout_t layout = nullptr;
  PIPELOOM_CUBLAS_CHECK(cublasLtMatrixLayoutCreate(&layout, type_of(matrix.type), static_cast<uint64_t>(matrix.rows),
                                                   static_cast<uint64_t>(matrix.columns), matrix.leading));
  const auto count = static_cast<int32_t>(batches);
  PIPELOOM_CUBLAS_CHECK(
      cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count));
  PIPELOOM_CUBLAS_CHECK(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                                         &matrix.batch_stride, sizeof matrix.batch_stride));
  return layout;
}

template <typename Value>
void set(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t attribute, Value value) {
  PIPELOOM_CUBLAS_CHECK(cublasLtMatmulDescSetAttribute(operation, attribute, &value, sizeof value));
}

}  // namespace

OperandAlignment OperandAlignment::of(const ProductOperands& operands) {
  const auto alignment = [](const void* address) {
    uint32_t bytes = 256;
    while (reinterpret_cast<uintptr_t>(address) % bytes != 0) bytes /= 2;
    return bytes;
  };
  return {alignment(operands.a), alignment(operands.b), alignment(operands.d)};
}

LtDescriptors::LtDescriptors(const ProductDescription& product, const OperandAlignment& alignment)
    : a_(layout_of(product.a, product.batches)),
      b_(layout_of(product.b, product.batches)),
      d_(layout_of(product.d, product.batches)) {
  set_operation(product);
  PIPELOOM_CUBLAS_CHECK(cublasLtMatmulPreferenceCreate(&preference_));
  const auto bytes = static_cast<uint64_t>(product.workspace_bytes);
  PIPELOOM_CUBLAS_CHECK(cublasLtMatmulPreferenceSetAttribute(preference_, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                             &bytes, sizeof bytes));
  const std::pair<cublasLtMatmulPreferenceAttributes_t, uint32_t> alignments[] = {
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment.a},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment.b},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment.d},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment.d}};
  for (const auto& [attribute, of_address] : alignments) {
    PIPELOOM_CUBLAS_CHECK(cublasLtMatmulPreferenceSetAttribute(preference_, attribute, &of_address, sizeof of_address));
  }
}

void LtDescriptors::set_operation(const ProductDescription& product) {
  PIPELOOM_CUBLAS_CHECK(cublasLtMatmulDescCreate(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F));
  const auto turn = [](bool transposed) -> int32_t { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  set(operation_, CUBLASLT_MATMUL_DESC_TRANSA, turn(product.a.transposed));
  set(operation_, CUBLASLT_MATMUL_DESC_TRANSB, turn(product.b.transposed));
  set(operation_, CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET, int32_t{product.sms});
  set(operation_, CUBLASLT_MATMUL_DESC_FAST_ACCUM, static_cast<int8_t>(product.fast_accumulation ? 1 : 0));
  set(operation_, CUBLASLT_MATMUL_DESC_A_SCALE_MODE, mode_of(product.a.scales));
  set(operation_, CUBLASLT_MATMUL_DESC_B_SCALE_MODE, mode_of(product.b.scales));
}

void LtDescriptors::set_scales(const float* a, const float* b) {
  set(operation_, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, static_cast<const void*>(a));
  set(operation_, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, static_cast<const void*>(b));
}

LtDescriptors::~LtDescriptors() {
  if (preference_ != nullptr) cublasLtMatmulPreferenceDestroy(preference_);
  if (operation_ != nullptr) cublasLtMatmulDescDestroy(operation_);
  for (const cublasLtMatrixLayout_t layout : {a_, b_, d_}) {
    if (layout != nullptr) cublasLtMatrixLayoutDestroy(layout);
  }
}

}  // namespace pipeloom::backend
