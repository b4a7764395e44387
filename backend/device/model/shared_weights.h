#pragma once

#include "backend/device/kernels/numbers.h"
#include "backend/runtime/training/shared_numbers.h"

namespace pipeloom::backend {

// Numbers of a chunk on the GPU that other ranks have too: each optimizes its part and hands it out (ZeRO-1).
struct SharedWeights {
  SharedNumbers numbers;
  float* weights = nullptr;  // of the first of them
  Bf16* factors = nullptr;   // those rounded
};

}  // namespace pipeloom::backend
