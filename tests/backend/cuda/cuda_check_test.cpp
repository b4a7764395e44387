#include "backend/cuda/cuda_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace pipeloom::backend {
namespace {

using testing::AllOf;
using testing::HasSubstr;

template <typename Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(CudaCheck, SaysCallFileLineRankAndWhatTheLibrarySays) {
  set_thread_rank(3);
  const std::string error = error_of([] { PIPELOOM_CUDA_CHECK(cudaErrorInvalidValue); });
  EXPECT_THAT(error, AllOf(HasSubstr("rank 3: "), HasSubstr("check_test.cpp:"), HasSubstr("cudaErrorInvalidValue"),
                           HasSubstr("invalid argument")));
  set_thread_rank(-1);
  EXPECT_THAT(error_of([] { PIPELOOM_CUDA_CHECK(cudaErrorInvalidValue); }), Not(HasSubstr("rank")));
}

TEST(CudaCheck, EvaluatesItsArgumentOnce) {
  int calls = 0;
  const auto fails = [&] {
    ++calls;
    return cudaErrorNotSupported;
  };
  EXPECT_NE(error_of([&] { PIPELOOM_CUDA_CHECK(fails()); }), "");
  EXPECT_EQ(calls, 1);
}

TEST(CudaCheck, EveryLibraryHasOne) {
  EXPECT_THAT(error_of([] { PIPELOOM_DRIVER_CHECK(CUDA_ERROR_OUT_OF_MEMORY); }), HasSubstr("out of memory"));
  EXPECT_THAT(error_of([] { PIPELOOM_CUBLAS_CHECK(CUBLAS_STATUS_NOT_SUPPORTED); }),
              HasSubstr("CUBLAS_STATUS_NOT_SUPPORTED"));
  EXPECT_THAT(error_of([] { PIPELOOM_CUPTI_CHECK(CUPTI_ERROR_NOT_INITIALIZED); }),
              HasSubstr("CUPTI_ERROR_NOT_INITIALIZED"));
  EXPECT_THAT(error_of([] { PIPELOOM_NCCL_CHECK(ncclInvalidUsage); }), HasSubstr("invalid usage"));
}

TEST(CudaCheck, WhatNcclHasInProgressIsNoError) {
  EXPECT_EQ(error_of([] { PIPELOOM_NCCL_CHECK(ncclInProgress); }), "");
  EXPECT_EQ(error_of([] { PIPELOOM_NCCL_CHECK(ncclSuccess); }), "");
}

}  // namespace
}  // namespace pipeloom::backend
