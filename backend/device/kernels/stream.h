#pragma once

struct CUstream_st;  // what a cudaStream_t points to: nobody needs a CUDA header to launch a kernel

namespace pipeloom::backend {

// An in-order queue of a device, as its library has it.
using StreamHandle = CUstream_st*;

// Where kernels are launched: a stream, and how many SMs its partition of the GPU has. Never use the current context or
// the default stream instead: NCCL and others change it.
struct SmStream {
  StreamHandle stream = nullptr;
  int sms = 1;
};

}  // namespace pipeloom::backend
