#pragma once

#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <fmt/format.h>
#include <mpi.h>

#include <stdexcept>
#include <string_view>

namespace pipeloom::backend {

// Throws with MPI's own text where a call failed. Evaluates the call once.
inline void check_mpi(int result, const char* call) {
  if (result == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(result, text, &length);
  throw std::runtime_error(fmt::format("{}: {}", call, std::string_view(text, static_cast<size_t>(length))));
}
#define PIPELOOM_MPI(call) ::pipeloom::backend::check_mpi(call, #call)

}  // namespace pipeloom::backend
