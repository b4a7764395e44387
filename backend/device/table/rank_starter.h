#pragma once

#include <functional>

#include "backend/transport/endpoint.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// Starts the ranks of a run, and knows where they are.
class RankStarter {
 public:
  virtual ~RankStarter() = default;

  // Whether all ranks run in this process.
  virtual bool one_process() const = 0;
  // How many of `count` ranks this machine runs, as far as is known before the start; at most all.
  virtual int ranks_here(int count) const = 0;
  // Which of its machine's ranks this process is.
  virtual int local_rank(int rank) const = 0;
  // Calls `rank_main` for each of `count` ranks that this process runs. The first error of a rank ends all of them.
  virtual Status start(int count, const std::function<Status(Endpoint&)>& rank_main) const = 0;
};

}  // namespace pipeloom::backend
