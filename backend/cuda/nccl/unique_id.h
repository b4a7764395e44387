#pragma once

#include <nccl.h>

#include <cstdint>

#include "backend/transport/endpoint.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// What NCCL's ranks find each other by: made by rank 0, the same on all. Every rank calls it together; needs no GPU.
// Travels over the run's endpoint: threads, MPI, or TCP by torchrun's or Slurm's variables.
Result<ncclUniqueId> share_unique_id(Endpoint& endpoint, int64_t patience_ns);

}  // namespace pipeloom::backend
