#include "backend/cuda/cuda_check.h"

#include <fmt/format.h>

#include <string>

#include "backend/cuda/cuda_error.h"

namespace pipeloom::backend {

namespace {

thread_local int this_threads_rank = -1;

[[noreturn]] void fail_call(const char* library, const char* name, const std::string& words, const char* call,
                            const char* file, int line) {
  const std::string rank = this_threads_rank < 0 ? "" : fmt::format("rank {}: ", this_threads_rank);
  throw CudaError(fmt::format("{}{}:{}: {} failed: {} {} ({})", rank, file, line, call, library, name, words));
}

}  // namespace

void set_thread_rank(int rank) {
  this_threads_rank = rank;
}

int thread_rank() {
  return this_threads_rank;
}

void check_cuda(cudaError_t result, const char* call, const char* file, int line) {
  if (result == cudaSuccess) return;
  fail_call("CUDA", cudaGetErrorName(result), cudaGetErrorString(result), call, file, line);
}

void check_driver(CUresult result, const char* call, const char* file, int line) {
  if (result == CUDA_SUCCESS) return;
  // The driver's own words need the driver; its codes up to 999 are those of the runtime.
  const auto same = static_cast<cudaError_t>(result);
  fail_call("CUDA driver", cudaGetErrorName(same), cudaGetErrorString(same), call, file, line);
}

void check_cublas(cublasStatus_t result, const char* call, const char* file, int line) {
  if (result == CUBLAS_STATUS_SUCCESS) return;
  fail_call("cuBLASLt", cublasLtGetStatusName(result), cublasLtGetStatusString(result), call, file, line);
}

void check_cupti(CUptiResult result, const char* call, const char* file, int line) {
  if (result == CUPTI_SUCCESS) return;
  const char* words = nullptr;
  if (cuptiGetResultString(result, &words) != CUPTI_SUCCESS) words = "unknown";
  fail_call("CUPTI", words, fmt::format("code {}", static_cast<int>(result)), call, file, line);
}

void check_nccl(ncclResult_t result, const char* call, const char* file, int line) {
  if (result == ncclSuccess || result == ncclInProgress) return;
  const char* last = ncclGetLastError(nullptr);
  fail_call("NCCL", ncclGetErrorString(result), last == nullptr ? "" : last, call, file, line);
}

}  // namespace pipeloom::backend
