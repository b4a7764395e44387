#pragma once

#include <functional>

namespace pipeloom::backend {

// Which of its machine's processes this is, and so which GPU is its own: what mpirun, torchrun or Slurm set; else its
// rank.
int local_rank(int rank, const std::function<const char*(const char* name)>& environment);

}  // namespace pipeloom::backend
