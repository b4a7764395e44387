#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "backend/transport/endpoint.h"

namespace pipeloom {

// Endpoints of ranks that are threads of this process, [rank]. A message is moved, not copied. All endpoints live until
// the last of them is gone.
std::vector<std::unique_ptr<Endpoint>> connect_threads(int ranks);

// Calls `rank_main` for every rank on a thread of its own. An error of one rank ends the run on all and is returned; a
// bug is thrown here.
Status run_on_threads(int ranks, const std::function<Status(Endpoint&)>& rank_main);

}  // namespace pipeloom
