#include "backend/cli/rank_launch.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <latch>
#include <ostream>
#include <thread>

#include "backend/cli/remark.h"
#include "backend/cli/run_secret.h"
#include "backend/cli/start.h"
#include "backend/transport/threads.h"
#ifdef PIPELOOM_WITH_MPI
#include "backend/transport/mpi/mpi_endpoint.h"
#endif

namespace pipeloom::backend {

namespace {

using RankMain = std::function<Status(Endpoint&)>;

// Rank 0 says what went wrong; the others leave it that time.
constexpr std::chrono::seconds kTimeForRank0{2};

Status run_guarded(Endpoint& endpoint, const LaunchOptions& options, const RankMain& rank_main) {
  if (endpoint.ranks() != options.count) {
    return invalid(fmt::format("the plan has {} ranks (layout.pipeline * layout.data); {} processes were started",
                               options.count, endpoint.ranks()));
  }
  try {
    return rank_main(endpoint);
  } catch (const std::exception& bug) {
    return invalid(fmt::format("rank {} failed: {}", endpoint.rank(), bug.what()));
  }
}

// This process's rank. An error ends the run on all; `end` leaves the process where the rank's thread does not.
Status run_as_process(Endpoint& endpoint, const LaunchOptions& options, const RankMain& rank_main, std::ostream& err,
                      void (*end)(int exit_code)) {
  std::latch ended(1);
  const std::jthread watcher([&] {
    watch_for_stuck(
        ended, endpoint,
        [&](const Error& error) {
          print_remark(err, error.message);
          end(1);
        },
        kTimeToEnd);
  });
  const Status status = run_guarded(endpoint, options, rank_main);
  if (!status) endpoint.abort(status.error());
  ended.count_down();
  return status;
}

#ifdef PIPELOOM_WITH_MPI

Status launch_mpi(const LaunchOptions& options, const RankMain& rank_main, std::ostream& err) {
  PIPELOOM_TRY(const std::unique_ptr<Endpoint> endpoint, connect_mpi());
  const Status status = run_as_process(*endpoint, options, rank_main, err, end_mpi_job);
  if (status) return {};
  if (endpoint->rank() != 0) std::this_thread::sleep_for(kTimeForRank0);
  print_remark(err, status.error().message);
  end_mpi_job(1);
}

#else

Status launch_mpi(const LaunchOptions& /*options*/, const RankMain& /*rank_main*/, std::ostream& /*err*/) {
  return unsupported("this pipeloom-run was built without MPI: --ranks threads runs all ranks in one process");
}

#endif

Status launch_tcp(const LaunchOptions& options, const RankMain& rank_main, std::ostream& err) {
  PIPELOOM_TRY(const TcpWorld started, tcp_world(of_this_process));
  PIPELOOM_TRY(const TcpWorld world, secured(started, of_this_process));
  const auto remark = [&](const std::string& text) { print_remark(err, text); };
  if (world.secret.empty() && world.rank == 0) {
    remark(
        fmt::format("no secret is set ({}): ranks listen on {} alone, where every user of this machine can reach "
                    "them",
                    kSecretVariable, world.host));
  }
  PIPELOOM_TRY(std::unique_ptr<TcpEndpoint> endpoint,
               connect_tcp(world, options.limits(), options.patience_ns, remark));
  const Status status = run_as_process(*endpoint, options, rank_main, err, std::_Exit);
  if (status) return {};
  const bool said = endpoint->rank() != 0 && endpoint->left(0, kTimeForRank0);
  endpoint.reset();
  if (!said) return status;
  std::_Exit(1);
}

}  // namespace

Status launch(const LaunchOptions& options, const RankMain& rank_main, std::ostream& err) {
  if (options.ranks == "mpi") return launch_mpi(options, rank_main, err);
  if (options.ranks == "tcp") return launch_tcp(options, rank_main, err);
  return run_on_threads(options.count, rank_main, [&](const Error& error) {
    print_remark(err, error.message);
    std::_Exit(1);  // a thread that is stuck can't be ended otherwise
  });
}

}  // namespace pipeloom::backend
