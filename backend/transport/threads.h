#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "backend/transport/endpoint.h"
#include "backend/transport/stuck.h"

namespace pipeloom::backend {

// Endpoints of ranks that are threads of this process, [rank]. A message is moved, not copied. All endpoints live until
// the last of them is gone.
std::vector<std::unique_ptr<Endpoint>> connect_threads(int ranks);

// Calls `rank_main` for every rank on a thread of its own. An error of one rank ends the run on all and is returned; a
// bug is thrown here. Threads can't be ended from outside: if some don't end in `time_to_end` after an abort,
// `on_stuck` is called once with the error, and may leave the process; without it they are waited for.
Status run_on_threads(int ranks, const std::function<Status(Endpoint&)>& rank_main,
                      const std::function<void(const Error&)>& on_stuck = {},
                      std::chrono::nanoseconds time_to_end = kTimeToEnd);

}  // namespace pipeloom::backend
