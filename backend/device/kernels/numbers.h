#pragma once

#include <cstdint>

// For what kernels and the host both call.
#ifdef __CUDACC__
#define PIPELOOM_BOTH __host__ __device__
#else
#define PIPELOOM_BOTH
#endif

namespace pipeloom::backend {

// Numbers as a GPU stores them: the format's bits (backend/model/low_precision.h has the formats).
struct Bf16 {
  uint16_t bits = 0;
};
struct E4m3 {
  uint8_t bits = 0;
};

// A matrix with a row for every token, `stride` numbers from row to row.
template <typename Number>
struct TokenRows {
  Number* data = nullptr;
  int64_t stride = 0;
};

}  // namespace pipeloom::backend
