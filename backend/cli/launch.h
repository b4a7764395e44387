#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "backend/transport/endpoint.h"

namespace pipeloom {

// "threads" or "mpi" for "auto": what started this process decides.
std::string chosen_ranks(const std::string& ranks);

// How many of `count` ranks this machine runs, as far as is known before the start; at most all.
int ranks_here(const std::string& ranks, int count);

// Calls `rank_main` for every rank that this process runs. Fails where there are not as many processes as ranks, or
// where MPI is left out of this build. As an MPI process it does not return from a failed run: it ends the job, and
// rank 0 (or, if that is stuck, any other) says why on `err`.
Status launch(const std::string& ranks, int count, const std::function<Status(Endpoint&)>& rank_main,
              std::ostream& err);

}  // namespace pipeloom
