#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "backend/transport/inbox_endpoint.h"

namespace pipeloom::backend {

// A process among those that were started together, and where rank 0 can be found.
struct TcpWorld {
  int rank = 0;
  int ranks = 1;
  std::string host;  // of rank 0
  int port = 0;      // on which rank 0 listens while they meet
};

// Ranks that are processes with a connection between any two of them, on any number of machines; no MPI. A thread of
// its own moves messages while the rank computes. A process that is gone without goodbye ends the run on all.
class TcpEndpoint : public InboxEndpoint {
 public:
  // Whether rank 0 has left in order, at most so much later.
  virtual bool rank_0_left(std::chrono::nanoseconds within) = 0;

 protected:
  TcpEndpoint(int rank, int ranks) : InboxEndpoint(rank, ranks) {}
};

// As rendezvous().
Result<std::unique_ptr<TcpEndpoint>> connect_tcp(const TcpWorld& world, int64_t patience_ns);

}  // namespace pipeloom::backend
