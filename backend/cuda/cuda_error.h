#pragma once

#include <stdexcept>

namespace pipeloom::backend {

// What a call into a CUDA library reported. The device may be of no use to this process afterwards.
class CudaError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace pipeloom::backend
