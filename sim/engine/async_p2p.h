#pragma once

#include "core/costs/costs.h"
#include "core/schedule/messages.h"
#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"

namespace pipeloom::sim {

// Simulates asynchronous P2P with occupied links and limited receive buffers. A send starts when its output is ready, a
// receive buffer of its queue is free and the link is free; only the consumer waits. A buffer is free again when the
// slot that takes its message ends. `receive_depth` buffers per queue; 0: unlimited. A need offset lets a slot start
// before its input is sent; its other outputs then reach a link no earlier than the send that allowed the start.
Timeline simulate_async(const Schedule& schedule, const ScheduleCosts& costs, const MessageTable& messages,
                        int receive_depth);

}  // namespace pipeloom::sim
