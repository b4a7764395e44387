#pragma once

#include <string>

#include "backend/device/kernels/numbers.h"
#include "backend/model/parameters.h"

namespace pipeloom::backend {

// Where the parameters of a stage (or of a part of it) begin on the GPU. All have the layout of the stage's numbers.
struct GpuNumbers {
  float* weights = nullptr;
  Bf16* factors = nullptr;  // the weights rounded, as products read them
  float* gradients = nullptr;

  GpuNumbers at(int64_t offset) const {
    if (weights == nullptr) return {};  // an arena that measures
    return {weights + offset, factors + offset, gradients + offset};
  }
};

// One weight matrix, row-major and dense, and its gradient.
struct GpuWeight {
  const float* full = nullptr;
  const Bf16* factor = nullptr;
  float* gradient = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;
};

// The parameter `name` of a block that begins at `numbers`. REQUIRES: the block has it.
GpuWeight find_weight(const ParameterBlock& block, const std::string& name, const GpuNumbers& numbers);

}  // namespace pipeloom::backend
