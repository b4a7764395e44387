#include "backend/cli/launch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ostream>
#include <thread>

#include "backend/transport/threads.h"
#ifdef PIPELOOM_WITH_MPI
#include "backend/transport/mpi/mpi_endpoint.h"
#endif

namespace pipeloom {

namespace {

#ifdef PIPELOOM_WITH_MPI

// Rank 0 says what went wrong; the others leave it that time.
constexpr std::chrono::seconds kTimeForRank0{2};

Status run_as_process(Endpoint& endpoint, const std::function<Status(Endpoint&)>& rank_main) {
  try {
    const Status status = rank_main(endpoint);
    if (!status) endpoint.abort(status.error());
    return status;
  } catch (const std::exception& bug) {
    const Error error{ErrorCode::kInvalid, fmt::format("rank {} failed: {}", endpoint.rank(), bug.what())};
    endpoint.abort(error);
    return tl::unexpected<Error>(error);
  }
}

Status launch_mpi(int count, const std::function<Status(Endpoint&)>& rank_main, std::ostream& err) {
  PIPELOOM_TRY(const std::unique_ptr<Endpoint> endpoint, connect_mpi());
  Status status;
  if (endpoint->ranks() != count) {
    status = invalid(fmt::format("the plan has {} ranks (layout.pipeline * layout.data); {} processes were started",
                                 count, endpoint->ranks()));
  } else {
    status = run_as_process(*endpoint, rank_main);
  }
  if (status) return {};
  if (endpoint->rank() != 0) std::this_thread::sleep_for(kTimeForRank0);
  err << "pipeloom-run: " << status.error().message << std::endl;
  end_mpi_job(1);
}

#else

Status launch_mpi(int /*count*/, const std::function<Status(Endpoint&)>& /*rank_main*/, std::ostream& /*err*/) {
  return unsupported("this pipeloom-run was built without MPI: --ranks threads runs all ranks in one process");
}

#endif

}  // namespace

std::string chosen_ranks(const std::string& ranks) {
  if (ranks != "auto") return ranks;
  // Open MPI's mpirun; MPICH's and Slurm's PMI; PMIx.
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"}) {
    if (std::getenv(variable) != nullptr) return "mpi";
  }
  return "threads";
}

int ranks_here(const std::string& ranks, int count) {
  if (ranks != "mpi") return count;
  // Open MPI's mpirun; MPICH's.
  for (const char* variable : {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"}) {
    const char* text = std::getenv(variable);
    const int here = text == nullptr ? 0 : std::atoi(text);
    if (here > 0) return std::min(here, count);
  }
  return count;
}

Status launch(const std::string& ranks, int count, const std::function<Status(Endpoint&)>& rank_main,
              std::ostream& err) {
  if (ranks == "mpi") return launch_mpi(count, rank_main, err);
  return run_on_threads(count, rank_main, [&](const Error& error) {
    err << "pipeloom-run: " << error.message << std::endl;
    std::_Exit(1);  // a thread that is stuck can't be ended otherwise
  });
}

}  // namespace pipeloom
