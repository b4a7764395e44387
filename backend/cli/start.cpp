#include "backend/cli/start.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

namespace pipeloom::backend {

namespace {

bool has_any(const Environment& environment, std::initializer_list<const char*> names) {
  return std::ranges::any_of(names, [&](const char* name) { return environment(name) != nullptr; });
}

// Open MPI's mpirun; PMIx.
bool started_by_mpi(const Environment& environment) {
  return has_any(environment, {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK"});
}

bool started_by_torchrun(const Environment& environment) {
  return environment("RANK") != nullptr && environment("WORLD_SIZE") != nullptr;
}

// One of several tasks of a step that srun started.
bool started_by_slurm(const Environment& environment) {
  const char* tasks = environment("SLURM_STEP_NUM_TASKS");
  return environment("SLURM_PROCID") != nullptr && tasks != nullptr && std::atoi(tasks) > 1;
}

Result<int> number(const Environment& environment, const char* name, int least, int most) {
  const char* text = environment(name);
  if (text == nullptr) return invalid(fmt::format("{} is not set in the environment", name));
  const std::string_view digits(text);
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc() && end == digits.data() + digits.size() && value >= least && value <= most) return value;
  return invalid(fmt::format("{} is \"{}\" in the environment; allowed are {} to {}", name, text, least, most));
}

constexpr int kMostRanks = 1'000'000;
constexpr int kMostPort = 65'535;

Result<TcpWorld> torchrun_world(const Environment& environment) {
  TcpWorld world;
  PIPELOOM_TRY(world.ranks, number(environment, "WORLD_SIZE", 1, kMostRanks));
  PIPELOOM_TRY(world.rank, number(environment, "RANK", 0, world.ranks - 1));
  if (environment("MASTER_ADDR") == nullptr) return invalid("MASTER_ADDR is not set in the environment");
  world.host = environment("MASTER_ADDR");
  PIPELOOM_TRY(world.port, number(environment, "MASTER_PORT", 1, kMostPort - 1));
  // torchrun's agent has a store of its own on that port.
  const char* agent_store = environment("TORCHELASTIC_USE_AGENT_STORE");
  if (agent_store != nullptr && std::string_view(agent_store) == "True") ++world.port;
  const char* run = environment("TORCHELASTIC_RUN_ID");
  const char* restarts = environment("TORCHELASTIC_RESTART_COUNT");
  world.run = run == nullptr ? fmt::format("port {}", world.port)
                             : fmt::format("torchrun {}, restart {}", run, restarts == nullptr ? "0" : restarts);
  return world;
}

// "gpu[03-05,9],login" begins with gpu03.
std::string first_host(std::string_view list) {
  const size_t bracket = list.find('[');
  const size_t comma = list.find(',');
  if (bracket == std::string_view::npos || comma < bracket) return std::string(list.substr(0, comma));
  const size_t end = list.find_first_of(",-]", bracket);
  return std::string(list.substr(0, bracket)) + std::string(list.substr(bracket + 1, end - bracket - 1));
}

// A port that steps of other jobs on the machine will hardly have, above the registered and below the ephemeral ones.
int port_of_step(int job, int step) {
  constexpr int kFirst = 20'000;
  constexpr int kPorts = 12'000;
  return kFirst + (job * 31 + step) % kPorts;
}

Result<TcpWorld> slurm_world(const Environment& environment) {
  TcpWorld world;
  PIPELOOM_TRY(world.ranks, number(environment, "SLURM_STEP_NUM_TASKS", 1, kMostRanks));
  PIPELOOM_TRY(world.rank, number(environment, "SLURM_PROCID", 0, world.ranks - 1));
  const char* nodes = environment("SLURM_STEP_NODELIST");
  if (nodes == nullptr) return invalid("SLURM_STEP_NODELIST is not set in the environment");
  world.host = first_host(nodes);
  PIPELOOM_TRY(const int job, number(environment, "SLURM_JOB_ID", 0, 60'000'000));
  PIPELOOM_TRY(const int step, number(environment, "SLURM_STEP_ID", 0, INT32_MAX));
  world.port = port_of_step(job, step);
  world.run = fmt::format("Slurm {}.{}", job, step);
  return world;
}

}  // namespace

const char* of_this_process(const char* name) {
  return std::getenv(name);
}

std::string chosen_ranks(const std::string& ranks, const Environment& environment) {
  if (ranks != "auto") return ranks;
  if (started_by_mpi(environment)) return "mpi";
  if (started_by_torchrun(environment) || started_by_slurm(environment)) return "tcp";
  // MPICH's mpirun. Slurm's PMI-2 looks alike, but Debian's Open MPI does not speak it.
  return has_any(environment, {"PMI_SIZE"}) ? "mpi" : "threads";
}

int ranks_here(const std::string& ranks, int count, const Environment& environment) {
  if (ranks != "mpi" && ranks != "tcp") return count;
  // Open MPI's mpirun; MPICH's; torchrun's; Slurm's, as in "8(x2),4" of which the first is taken.
  for (const char* variable :
       {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "LOCAL_WORLD_SIZE", "SLURM_STEP_TASKS_PER_NODE"}) {
    const char* text = environment(variable);
    const int here = text == nullptr ? 0 : std::atoi(text);
    if (here > 0) return std::min(here, count);
  }
  return count;
}

Result<TcpWorld> tcp_world(const Environment& environment) {
  if (!started_by_torchrun(environment) && started_by_slurm(environment)) return slurm_world(environment);
  auto world = torchrun_world(environment);
  if (world) return world;
  return invalid(
      fmt::format("--ranks tcp needs RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as torchrun sets them: {}",
                  world.error().message));
}

}  // namespace pipeloom::backend
