#pragma once

#include <nccl.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/base/result.h"

namespace pipeloom::backend {

// How non-blocking NCCL calls are waited for. The functions are the library's, or a test's.
struct NcclProgress {
  std::function<ncclResult_t()> state;            // of the communicator: ncclInProgress until it is done
  std::function<int64_t()> now_ns;                // steady
  std::function<void()> pause;                    // between two questions
  std::function<std::optional<Error>()> aborted;  // by another rank of the run
};

// Until the communicator is no longer in progress. Fails with NCCL's words, where another rank has given up, or after
// `patience_ns`, saying `what` did not come about.
Status wait_for_nccl(const NcclProgress& progress, int64_t patience_ns, const std::string& what);

}  // namespace pipeloom::backend
