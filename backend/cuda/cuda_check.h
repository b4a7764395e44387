#pragma once

#include <cublasLt.h>
#include <cuda.h>
#include <cuda_runtime_api.h>
#include <cupti.h>
#include <nccl.h>

namespace pipeloom::backend {

// What a call into a CUDA library reports throws CudaError with the call, its file and line, the rank that
// this thread runs and the library's own words. Each macro evaluates its argument once.
//
//   PIPELOOM_CUDA_CHECK(cudaStreamCreate(&stream));
#define PIPELOOM_CUDA_CHECK(call) ::pipeloom::backend::check_cuda((call), #call, __FILE__, __LINE__)
#define PIPELOOM_DRIVER_CHECK(call) ::pipeloom::backend::check_driver((call), #call, __FILE__, __LINE__)
#define PIPELOOM_CUBLAS_CHECK(call) ::pipeloom::backend::check_cublas((call), #call, __FILE__, __LINE__)
#define PIPELOOM_CUPTI_CHECK(call) ::pipeloom::backend::check_cupti((call), #call, __FILE__, __LINE__)
// Also accepts ncclInProgress: communicators are non-blocking, and what is in progress is waited for with a deadline.
#define PIPELOOM_NCCL_CHECK(call) ::pipeloom::backend::check_nccl((call), #call, __FILE__, __LINE__)

void check_cuda(cudaError_t result, const char* call, const char* file, int line);
void check_driver(CUresult result, const char* call, const char* file, int line);
void check_cublas(cublasStatus_t result, const char* call, const char* file, int line);
void check_cupti(CUptiResult result, const char* call, const char* file, int line);
void check_nccl(ncclResult_t result, const char* call, const char* file, int line);

// The rank that the calling thread runs, for messages; -1: none.
void set_thread_rank(int rank);
int thread_rank();

}  // namespace pipeloom::backend
