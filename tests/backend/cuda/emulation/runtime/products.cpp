// cuBLASLt's products. Descriptors and layouts are the library's own, which need no GPU: what they say is read back and
// done as HostProducts does.
#include "tests/backend/cuda/emulation/runtime/products.h"

#include <cublasLt.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>

#include "tests/backend/cuda/emulation/host_products.h"
#include "tests/backend/cuda/emulation/runtime/memory.h"
#include "tests/backend/cuda/emulation/runtime/streams.h"

namespace pipeloom::emulation {

namespace {

constexpr double kFlopsPerNsAndSm = 5000;
constexpr int64_t kStartNs = 2000;

template <typename Value>
Value attribute(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t name) {
  Value value = {};
  cublasLtMatmulDescGetAttribute(operation, name, &value, sizeof value, nullptr);
  return value;
}
template <typename Value>
Value attribute(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t name) {
  Value value = {};
  cublasLtMatrixLayoutGetAttribute(layout, name, &value, sizeof value, nullptr);
  return value;
}
template <typename Value>
Value attribute(cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t name) {
  Value value = {};
  cublasLtMatmulPreferenceGetAttribute(preference, name, &value, sizeof value, nullptr);
  return value;
}

std::optional<backend::NumberType> type_of(uint32_t type) {
  if (type == CUDA_R_32F) return backend::NumberType::kF32;
  if (type == CUDA_R_16BF) return backend::NumberType::kBf16;
  if (type == CUDA_R_8F_E4M3) return backend::NumberType::kE4m3;
  return std::nullopt;
}

std::optional<backend::ScaleMode> scales_of(int32_t mode) {
  if (mode == CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F) return backend::ScaleMode::kNone;
  if (mode == CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F) return backend::ScaleMode::kRows128;
  if (mode == CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F) return backend::ScaleMode::kBlocks128;
  return std::nullopt;
}

std::optional<backend::ColumnMatrix> matrix_of(cublasLtMatrixLayout_t layout, int32_t transposed, int32_t scales) {
  const auto type = type_of(attribute<uint32_t>(layout, CUBLASLT_MATRIX_LAYOUT_TYPE));
  const auto mode = scales_of(scales);
  if (!type || !mode || attribute<int32_t>(layout, CUBLASLT_MATRIX_LAYOUT_ORDER) != CUBLASLT_ORDER_COL) {
    return std::nullopt;
  }
  backend::ColumnMatrix matrix;
  matrix.type = *type;
  matrix.scales = *mode;
  matrix.transposed = transposed == CUBLAS_OP_T;
  matrix.rows = static_cast<int64_t>(attribute<uint64_t>(layout, CUBLASLT_MATRIX_LAYOUT_ROWS));
  matrix.columns = static_cast<int64_t>(attribute<uint64_t>(layout, CUBLASLT_MATRIX_LAYOUT_COLS));
  matrix.leading = attribute<int64_t>(layout, CUBLASLT_MATRIX_LAYOUT_LD);
  matrix.batch_stride = attribute<int64_t>(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET);
  return matrix;
}

// What tensor cores ask of products in FP8 (cuBLAS documentation, cublasLtMatmul, table of FP8 kernels).
bool fits_fp8(const backend::ProductDescription& product) {
  const auto aligned = [](const backend::ColumnMatrix& matrix) {
    return matrix.leading % 16 == 0 && matrix.rows % 16 == 0;
  };
  return product.a.transposed && !product.b.transposed && product.m % 16 == 0 && product.inner % 16 == 0 &&
         aligned(product.a) && aligned(product.b) && product.a.scales != backend::ScaleMode::kNone &&
         product.b.scales != backend::ScaleMode::kNone && !product.fast_accumulation;
}

bool is_consistent(const backend::ProductDescription& product) {
  const auto rows = [](const backend::ColumnMatrix& matrix) {
    return matrix.transposed ? matrix.columns : matrix.rows;
  };
  const auto columns = [](const backend::ColumnMatrix& matrix) {
    return matrix.transposed ? matrix.rows : matrix.columns;
  };
  for (const backend::ColumnMatrix* matrix : {&product.a, &product.b, &product.d}) {
    if (matrix->leading < matrix->rows) return false;
  }
  return rows(product.a) == product.m && columns(product.b) == product.n && rows(product.b) == product.inner &&
         columns(product.a) == product.inner && product.d.type == backend::NumberType::kF32 &&
         product.a.type == product.b.type && product.a.type != backend::NumberType::kF32 &&
         (product.a.type != backend::NumberType::kE4m3 || fits_fp8(product));
}

// Nothing where cuBLASLt would have no algorithm.
std::optional<backend::ProductDescription> product_of(cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t a,
                                                      cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t d) {
  const auto of = [&](cublasLtMatmulDescAttributes_t name) { return attribute<int32_t>(operation, name); };
  const auto first = matrix_of(a, of(CUBLASLT_MATMUL_DESC_TRANSA), of(CUBLASLT_MATMUL_DESC_A_SCALE_MODE));
  const auto second = matrix_of(b, of(CUBLASLT_MATMUL_DESC_TRANSB), of(CUBLASLT_MATMUL_DESC_B_SCALE_MODE));
  const auto result = matrix_of(d, CUBLAS_OP_N, CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F);
  if (!first || !second || !result) return std::nullopt;
  backend::ProductDescription product;
  product.a = *first;
  product.b = *second;
  product.d = *result;
  product.m = product.d.rows;
  product.n = product.d.columns;
  product.inner = product.a.transposed ? product.a.rows : product.a.columns;
  product.batches = attribute<int32_t>(d, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT);
  product.sms = of(CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET);
  product.fast_accumulation = attribute<int8_t>(operation, CUBLASLT_MATMUL_DESC_FAST_ACCUM) != 0;
  for (const cublasLtMatrixLayout_t layout : {a, b}) {
    if (attribute<int32_t>(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT) != product.batches) return std::nullopt;
  }
  if (of(CUBLASLT_MATMUL_DESC_COMPUTE_TYPE) != CUBLAS_COMPUTE_32F || !is_consistent(product)) return std::nullopt;
  return product;
}

// What an algorithm was chosen for; the product that it is used for has the same.
struct Chosen {
  uint32_t alignment[3] = {};
  uint32_t sms = 0;
  uint64_t workspace_bytes = 0;
  int64_t shape[3] = {};
};
static_assert(sizeof(Chosen) <= sizeof(cublasLtMatmulAlgo_t));

int64_t bytes_of(backend::NumberType type) {
  return type == backend::NumberType::kF32 ? 4 : type == backend::NumberType::kBf16 ? 2 : 1;
}

// From the first number of the first batch to the last of the last.
size_t extent_of(const backend::ColumnMatrix& matrix, int64_t batches) {
  const int64_t numbers = (batches - 1) * matrix.batch_stride + (matrix.columns - 1) * matrix.leading + matrix.rows;
  return static_cast<size_t>(numbers * bytes_of(matrix.type));
}

// A product holds its workspace from its begin to its end: two at once would spoil each other's partial sums.
std::map<const void*, int> workspace_users;

void begin_with(const void* workspace) {
  if (++workspace_users[workspace] > 1) machine().complain("two products at once use one workspace");
}
void end_with(const void* workspace) {
  --workspace_users[workspace];
}

Work product_work(const backend::ProductDescription& product, const backend::ProductOperands& operands,
                  const void* workspace) {
  Work work;
  work.kind = Work::Kind::kKernel;
  work.name = "product";
  const double flops = 2.0 * static_cast<double>(product.m * product.n * product.inner * product.batches);
  work.duration_ns = kStartNs + static_cast<int64_t>(flops / kFlopsPerNsAndSm / std::max(1, product.sms));
  work.run = [=](Op&) {
    if (machine().settings().moves_data) tests::HostProducts().multiply({}, product, operands);
    end_with(workspace);
    return true;
  };
  return work;
}

}  // namespace

void reset_products() {
  workspace_users.clear();
}

}  // namespace pipeloom::emulation

using namespace pipeloom::backend;    // NOLINT: the library's own functions follow
using namespace pipeloom::emulation;  // NOLINT: the library's own functions follow

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = reinterpret_cast<cublasLtHandle_t>(new char);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete reinterpret_cast<char*>(handle);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t /*handle*/, cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t /*c*/, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int /*requested*/,
                                              cublasLtMatmulHeuristicResult_t* results, int* count) {
  *count = 0;
  const auto product = product_of(operation, a, b, d);
  if (!product) return CUBLAS_STATUS_NOT_SUPPORTED;
  Chosen chosen;
  chosen.alignment[0] = attribute<uint32_t>(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
  chosen.alignment[1] = attribute<uint32_t>(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
  chosen.alignment[2] = attribute<uint32_t>(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
  chosen.workspace_bytes = attribute<uint64_t>(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
  chosen.sms = static_cast<uint32_t>(product->sms);
  const int64_t shape[] = {product->m, product->n, product->inner};
  std::copy(std::begin(shape), std::end(shape), chosen.shape);
  const bool fp8 = product->a.type == NumberType::kE4m3;
  if (fp8 && *std::ranges::min_element(chosen.alignment) < 16) return CUBLAS_STATUS_NOT_SUPPORTED;
  std::memcpy(&results[0].algo, &chosen, sizeof chosen);
  *count = 1;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t /*handle*/, cublasLtMatmulDesc_t operation, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t /*c_layout*/, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algorithm, void* workspace, size_t workspace_bytes,
                              cudaStream_t handle) {
  const auto lock = machine().lock();
  auto product = product_of(operation, a_layout, b_layout, d_layout);
  const float factor = *static_cast<const float*>(beta);
  if (!product || *static_cast<const float*>(alpha) != 1 || (factor != 0 && factor != 1) || c != d) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  product->accumulate = factor == 1;
  Chosen chosen;
  std::memcpy(static_cast<void*>(&chosen), algorithm, sizeof chosen);
  const void* addresses[] = {a, b, d};
  const ColumnMatrix* matrices[] = {&product->a, &product->b, &product->d};
  for (int i = 0; i < 3; ++i) {
    if (reinterpret_cast<uintptr_t>(addresses[i]) % chosen.alignment[i] != 0) return CUBLAS_STATUS_INVALID_VALUE;
    if (!is_device_range(addresses[i], extent_of(*matrices[i], product->batches))) return CUBLAS_STATUS_INVALID_VALUE;
  }
  const int64_t shape[] = {product->m, product->n, product->inner};
  if (!std::equal(std::begin(shape), std::end(shape), chosen.shape) || chosen.workspace_bytes > workspace_bytes ||
      !is_device_range(workspace, workspace_bytes)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  ProductOperands operands;
  operands.a = a;
  operands.b = b;
  operands.d = d;
  operands.a_scales = attribute<const float*>(operation, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER);
  operands.b_scales = attribute<const float*>(operation, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER);
  const cudaStream_t stream = stream_of(handle);
  if (stream == nullptr || stream->device != current_device()) return CUBLAS_STATUS_EXECUTION_FAILED;
  Work begin;
  begin.run = [workspace](Op&) {
    begin_with(workspace);
    return true;
  };
  if (enqueue(stream, std::move(begin)) != cudaSuccess) return CUBLAS_STATUS_EXECUTION_FAILED;
  const cudaError_t error = enqueue(stream, product_work(*product, operands, workspace));
  return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}
