#pragma once

#include "core/job/formats.h"
#include "core/job/job.h"

namespace pipeloom::backend {

// What a component keeps between its passes, and in which format. What I makes for W, gradients and what it computes
// again, is kept as W's product reads it.
struct Keeping {
  Formats formats = exact();
  bool selective = false;  // norms, activation functions and MLA's up-projections are computed again in I

  // Everything as it is computed.
  static Formats exact() {
    using enum Format;
    return {kFp32, kFp32, kFp32, kFp32, kFp32, kFp32, kFp32, kFp32};
  }
};

}  // namespace pipeloom::backend
