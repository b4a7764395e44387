#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <ostream>

#include "planner/app/open_as.h"
#include "planner/cli/command.h"

namespace pipeloom::planner {

namespace {

// pipeloom-run is beside pipeloom, where the build puts it, or on the PATH (as git finds git-foo).
std::string find_runner() {
  std::error_code none;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", none);
  if (!none) {
    for (const std::filesystem::path& place : {self.parent_path(), self.parent_path().parent_path() / "backend"}) {
      if (std::filesystem::exists(place / "pipeloom-run", none)) return (place / "pipeloom-run").string();
    }
  }
  return "pipeloom-run";
}

// One process per rank. A machine with fewer cores than ranks runs them all the same.
Result<std::vector<std::string>> mpi_words(const std::string& plan_path) {
  PIPELOOM_TRY(const Plan plan, open_plan(plan_path));
  const int processes = plan.schedule.ranks() * plan.job.layout.data;
  std::vector<std::string> words = {"mpirun", "-n", std::to_string(processes), "--oversubscribe"};
  if (geteuid() == 0) words.emplace_back("--allow-run-as-root");
  return words;
}

}  // namespace

Status run_run(const RunOptions& options, const Output& output) {
  std::vector<std::string> words;
  if (options.ranks == "mpi") {
    PIPELOOM_TRY(words, mpi_words(options.plan));
  }
  words.push_back(find_runner());
  words.push_back(options.plan);
  words.insert(words.end(), options.rest.begin(), options.rest.end());
  output.out.flush();
  if (isatty(STDERR_FILENO) != 0) setenv("PIPELOOM_TERMINAL", "1", 1);  // pipeloom-run shows its progress there
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  return fail(ErrorCode::kIo, fmt::format("can't start {}: {}", words[0], std::strerror(errno)));
}

}  // namespace pipeloom::planner
