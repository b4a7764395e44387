#pragma once

#include <string>
#include <vector>

#include "core/tasks/task_graph.h"

namespace pipeloom::proto {

// One rank's tasks as a Chakra execution trace (.et), as ASTRA-sim's old feeder and its third both read them. Ids
// follow the program's order; what waits for what on the rank is a data dependency, so that a simulator keeps the order
// of each lane. Transfers are COMM_SEND and COMM_RECV with bytes. All-to-all and gradient reductions, whose members are
// other pipelines, are COMM_COLL nodes that last as long as planned: ASTRA-sim replays a BROADCAST by its duration.
// Durations are in whole microseconds, rounded.
std::string chakra_trace(const TaskGraph& graph, int rank);

// ASTRA-sim's --comm-group-configuration: a group "R + 1" with rank R alone, which R's collectives name.
std::string chakra_groups(int ranks);

}  // namespace pipeloom::proto
