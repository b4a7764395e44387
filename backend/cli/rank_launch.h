#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "backend/transport/endpoint.h"
#include "backend/transport/message_limits.h"

namespace pipeloom::backend {

// How the ranks of a run are started.
struct LaunchOptions {
  std::string ranks;                      // "threads", "mpi", "tcp"
  int count = 1;                          // of the plan's ranks
  int64_t patience_ns = 0;                // until all processes have met
  std::function<MessageLimits()> limits;  // of what ranks send each other; called if others could send anything
};

// Calls `rank_main` for every rank that this process runs. Fails where there are not as many processes as ranks, or
// where MPI is left out of this build. As one of several processes it does not return from a failed run: it ends, and
// rank 0 (or, if that is stuck or gone, the others) says why on `err`.
Status launch(const LaunchOptions& options, const std::function<Status(Endpoint&)>& rank_main, std::ostream& err);

}  // namespace pipeloom::backend
