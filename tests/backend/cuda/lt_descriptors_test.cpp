// cuBLASLt's descriptors can be made and read without a GPU.
#include "backend/cuda/products/lt_descriptors.h"

#include <gtest/gtest.h>

namespace pipeloom::tests {
namespace {

template <typename Value>
Value attribute(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t name) {
  Value value = {};
  size_t size = 0;
  EXPECT_EQ(cublasLtMatmulDescGetAttribute(operation, name, &value, sizeof value, &size), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(size, sizeof value);
  return value;
}

template <typename Value>
Value attribute(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t name) {
  Value value = {};
  size_t size = 0;
  EXPECT_EQ(cublasLtMatrixLayoutGetAttribute(layout, name, &value, sizeof value, &size), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(size, sizeof value);
  return value;
}

TEST(LtDescriptors, SayWhatTheDescriptionSaysInFp8) {
  const backend::LtDescriptors made(
      backend::fp8_product(40, 64, 130, backend::ScaleMode::kBlocks128, backend::Into::kSet, 24), {});
  const cublasLtMatmulDesc_t operation = made.operation();
  EXPECT_EQ(attribute<int32_t>(operation, CUBLASLT_MATMUL_DESC_A_SCALE_MODE),
            CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F);
  EXPECT_EQ(attribute<int32_t>(operation, CUBLASLT_MATMUL_DESC_B_SCALE_MODE), CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F);
  EXPECT_EQ(attribute<int32_t>(operation, CUBLASLT_MATMUL_DESC_TRANSA), CUBLAS_OP_T);
  EXPECT_EQ(attribute<int32_t>(operation, CUBLASLT_MATMUL_DESC_TRANSB), CUBLAS_OP_N);
  EXPECT_EQ(attribute<int32_t>(operation, CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET), 24);
  EXPECT_EQ(attribute<int8_t>(operation, CUBLASLT_MATMUL_DESC_FAST_ACCUM), 0);
  EXPECT_EQ(attribute<uint32_t>(made.a(), CUBLASLT_MATRIX_LAYOUT_TYPE), uint32_t{CUDA_R_8F_E4M3});
  EXPECT_EQ(attribute<uint32_t>(made.d(), CUBLASLT_MATRIX_LAYOUT_TYPE), uint32_t{CUDA_R_32F});
  EXPECT_EQ(attribute<uint64_t>(made.a(), CUBLASLT_MATRIX_LAYOUT_ROWS), 256u);
  EXPECT_EQ(attribute<uint64_t>(made.a(), CUBLASLT_MATRIX_LAYOUT_COLS), 64u);
  EXPECT_EQ(attribute<uint64_t>(made.d(), CUBLASLT_MATRIX_LAYOUT_ROWS), 64u);
  EXPECT_EQ(attribute<uint64_t>(made.d(), CUBLASLT_MATRIX_LAYOUT_COLS), 40u);
}

TEST(LtDescriptors, SayWhatTheDescriptionSaysInBatches) {
  const backend::LtDescriptors made(backend::bf16_product(backend::Form::kTransposedA, {5, 7, 70, 7}, {5, 4, 40, 4},
                                                          {7, 4, 4, 28}, backend::Into::kAdd, 10, 132),
                                    {64, 16, 2});
  EXPECT_EQ(attribute<int32_t>(made.a(), CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT), 10);
  EXPECT_EQ(attribute<int64_t>(made.a(), CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET), 4);
  EXPECT_EQ(attribute<int64_t>(made.b(), CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET), 7);
  EXPECT_EQ(attribute<int64_t>(made.b(), CUBLASLT_MATRIX_LAYOUT_LD), 70);
  EXPECT_EQ(attribute<int32_t>(made.operation(), CUBLASLT_MATMUL_DESC_TRANSB), CUBLAS_OP_T);
  uint32_t bytes = 0;
  size_t size = 0;
  EXPECT_EQ(cublasLtMatmulPreferenceGetAttribute(made.preference(), CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &bytes,
                                                 sizeof bytes, &size),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(bytes, 2u);
}

TEST(LtDescriptors, AlgorithmsAreChosenForTheAddresses) {
  backend::ProductOperands operands;
  operands.a = reinterpret_cast<const void*>(uintptr_t{4096});
  operands.b = reinterpret_cast<const void*>(uintptr_t{4096 + 16});
  operands.d = reinterpret_cast<void*>(uintptr_t{4096 + 6});
  EXPECT_EQ(backend::OperandAlignment::of(operands), (backend::OperandAlignment{256, 16, 2}));
}

}  // namespace
}  // namespace pipeloom::tests
