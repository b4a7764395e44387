#pragma once

#include <functional>
#include <optional>
#include <string>

#include "backend/transport/tcp/tcp_endpoint.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// Looks a variable of the environment up; null where it is not set.
using Environment = std::function<const char*(const char* name)>;
const char* of_this_process(const char* name);

// "threads", "mpi" or "tcp" for "auto": what started this process decides. mpi: mpirun, or srun with PMIx; tcp:
// torchrun's variables, or srun without PMIx.
std::string chosen_ranks(const std::string& ranks, const Environment& environment);

// How many of `count` ranks this machine runs, as far as is known before the start; at most all.
int ranks_here(const std::string& ranks, int count, const Environment& environment);

// Which process this is: by RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT (torchrun's), or by Slurm's variables. Names
// what is missing.
Result<TcpWorld> tcp_world(const Environment& environment);

}  // namespace pipeloom::backend
