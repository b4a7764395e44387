#pragma once

#include <memory>
#include <vector>

#include "backend/transport/endpoint.h"

namespace pipeloom {

// Endpoints of ranks that are threads of this process, [rank]. A message is moved, not copied. All endpoints live until
// the last of them is gone.
std::vector<std::unique_ptr<Endpoint>> connect_threads(int ranks);

}  // namespace pipeloom
