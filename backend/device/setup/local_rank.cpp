#include "backend/device/setup/local_rank.h"

#include <charconv>
#include <cstring>

namespace pipeloom::backend {

int local_rank(int rank, const std::function<const char*(const char* name)>& environment) {
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "LOCAL_RANK", "SLURM_LOCALID"}) {
    const char* text = environment(name);
    if (text == nullptr) continue;
    int number = -1;
    const auto [end, error] = std::from_chars(text, text + std::strlen(text), number);
    if (error == std::errc{} && *end == '\0' && number >= 0) return number;
  }
  return rank;
}

}  // namespace pipeloom::backend
