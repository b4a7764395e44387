#pragma once

#include <memory>

#include "backend/transport/endpoint.h"

namespace pipeloom::backend {

// Ranks that are processes of one MPI job. At most one object in a process, which initialises MPI and finalises it; the
// numbers are MPI_COMM_WORLD's. A thread of its own moves messages while the rank computes. Fails where the MPI library
// does not allow that.
Result<std::unique_ptr<Endpoint>> connect_mpi();

// After an error: ends all processes of the job, this one too.
[[noreturn]] void end_mpi_job(int exit_code);

}  // namespace pipeloom::backend
