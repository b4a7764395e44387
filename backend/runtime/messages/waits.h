#pragma once

#include <string>

#include "backend/runtime/messages/gather.h"
#include "backend/runtime/program/rank_program.h"

namespace pipeloom::backend {

// What `task` waits for while not all of `gather` has arrived: for the trace, and for a message to people ("a free
// receive buffer of rank 1"). REQUIRES: not everything has arrived.
Wait wait_of(const RankTask& task, const Gather& gather);
std::string wait_text(const RankTask& task, const Gather& gather);

}  // namespace pipeloom::backend
