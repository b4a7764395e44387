#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "backend/transport/inbox_endpoint.h"
#include "backend/transport/message_limits.h"

namespace pipeloom::backend {

// A process among those that were started together, and where rank 0 can be found.
struct TcpWorld {
  int rank = 0;
  int ranks = 1;
  std::string host;    // of rank 0
  int port = 0;        // on which rank 0 listens while they meet
  std::string run;     // names the run among those with the same secret
  std::string secret;  // what the run's processes know and no other; empty: they are all on this machine
};

// Whether the host is this machine under a name or address that no other machine can reach: ranks that meet there
// listen on no other address.
bool is_loopback(const std::string& host);

// Ranks that are processes with a connection between any two of them, on any number of machines; no MPI. A thread of
// its own moves messages while the rank computes. A process that is gone without goodbye ends the run on all.
class TcpEndpoint : public InboxEndpoint {
 public:
  // Whether the rank has left in order, at most so much later.
  virtual bool left(int rank, std::chrono::nanoseconds within) = 0;

 protected:
  TcpEndpoint(int rank, int ranks) : InboxEndpoint(rank, ranks) {}
};

// Connects to all other ranks, as rendezvous(). A frame that `limits` don't allow ends the run.
Result<std::unique_ptr<TcpEndpoint>> connect_tcp(const TcpWorld& world, const MessageLimits& limits,
                                                 int64_t patience_ns,
                                                 const std::function<void(const std::string&)>& on_remark = {});

}  // namespace pipeloom::backend
