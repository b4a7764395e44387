#pragma once

struct CUstream_st;  // what a cudaStream_t points to: nobody needs a CUDA header to launch a kernel

namespace pipeloom::backend {

// Where kernels are launched: a stream, and how many SMs its partition of the GPU has.
struct SmStream {
  CUstream_st* stream = nullptr;
  int sms = 1;
};

}  // namespace pipeloom::backend
