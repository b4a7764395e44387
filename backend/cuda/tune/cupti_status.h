#pragma once

#include <cupti.h>

#include "core/base/result.h"

namespace pipeloom::backend {

// What a call into CUPTI reports, as an error that `what` begins; for counters that this user may not read, with what
// gives the right to.
Status cupti_status(CUptiResult result, const char* what);

// CUPTI's parameter structures carry their size; everything else starts as zero.
//   auto params = sized_params<CUpti_X_Params>(CUpti_X_Params_STRUCT_SIZE);
template <typename Params>
Params sized_params(size_t size) {
  Params params = {};
  params.structSize = size;
  return params;
}

}  // namespace pipeloom::backend
