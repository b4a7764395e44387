#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "backend/cli/folder_store.h"
#include "proto/plan/plan_io.h"
#include "tests/backend/cli/process.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"
#include "tests/backend/transport/free_port.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {

inline constexpr int kRanks = 4;           // that the plan of the runs has
inline constexpr int64_t kStepsAfter = 3;  // that a resumed run does
// Seconds after which a test fails. Long, because a test machine is busy: a run that ends proves its claim by what it
// says, not by when it ends.
inline constexpr double kLong = 300;

// Runs of pipeloom-run as processes of their own: all ranks as threads of one, or (below) as MPI or TCP starts them.
class StartedRuns : public testing::Test {
 protected:
  void SetUp() override {
    const Plan plan = plan_with(training_job(tiny_moe(), 2, 4, 2, 2), "dualpipe").value();
    ASSERT_TRUE(proto::write_plan(folder_.path("a.plan"), plan).has_value());
    folder_.file("text", some_text());
  }

  std::vector<std::string> command(const std::vector<std::string>& more, const std::string& text = "text") const {
    std::vector<std::string> words = {PIPELOOM_RUN, folder_.path("a.plan"), "--text", folder_.path(text), "--check"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  // Runs until it is killed: it has no last step, and its deadline does not end it while the test waits. With
  // checkpoints in a folder of its own.
  std::vector<std::string> endless(const std::string& name) const {
    return {"--steps",       "1000000",          "--deadline",         "100000",
            "--checkpoints", folder_.path(name), "--checkpoint-every", "2"};
  }
  // Goes on from the last checkpoint in that folder to `steps`.
  std::vector<std::string> resumed(const std::string& name, const std::string& steps) const {
    return {"--steps", steps, "--checkpoints", folder_.path(name), "--resume"};
  }
  // How many steps the last checkpoint in that folder has; 0: there is none.
  int64_t last_checkpoint(const std::string& name) const {
    const auto last = backend::FolderStore::create(folder_.path(name)).value().read(backend::kLastCheckpoint).value();
    return last ? std::stoll(*last) : 0;
  }
  // Some steps more than that. REQUIRES: the run that writes checkpoints there is gone.
  std::string steps_to_resume(const std::string& name) const {
    return std::to_string(last_checkpoint(name) + kStepsAfter);
  }
  std::vector<std::string> mpi_command(int ranks, const std::vector<std::string>& more) const {
    // Open MPI keeps memory to its end, of which the address sanitizer would complain.
    std::vector<std::string> words = {
        "env", "ASAN_OPTIONS=detect_leaks=0", "mpirun", "--allow-run-as-root", "--oversubscribe",
        "-n",  std::to_string(ranks)};
    const std::vector<std::string> own = command(more);
    words.insert(words.end(), own.begin(), own.end());
    return words;
  }
  // Ranks over TCP find each other by torchrun's variables.
  std::unique_ptr<Process> start(int rank, int port, const std::vector<std::string>& more,
                                 const std::string& text = "text") const {
    std::vector<std::string> words = {"env", "RANK=" + std::to_string(rank), "WORLD_SIZE=" + std::to_string(kRanks),
                                      "MASTER_ADDR=127.0.0.1", "MASTER_PORT=" + std::to_string(port)};
    const std::vector<std::string> own = command(more, text);
    words.insert(words.end(), own.begin(), own.end());
    return std::make_unique<Process>(words);
  }
  std::vector<std::unique_ptr<Process>> start_all(const std::vector<std::string>& more) const {
    const int port = free_port();
    std::vector<std::unique_ptr<Process>> processes;
    for (int rank = 0; rank < kRanks; ++rank) processes.push_back(start(rank, port, more));
    return processes;
  }
  static std::string parameters(const std::string& output) {
    const size_t place = output.find("parameters ");
    return place == std::string::npos ? output : output.substr(place, 27);
  }
  std::string sequential_parameters(const std::string& steps) const {
    Process process(command({"--steps", steps, "--ranks", "sequential"}));
    EXPECT_EQ(process.wait(kLong), 0) << process.output();
    return parameters(process.output());
  }
  static void wait_for_steps(const Process& run) {
    for (int i = 0; i < 100 * kLong && run.output().find("step ") == std::string::npos; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  // Once the run prints steps.
  static std::vector<pid_t> ranks_at_work(const Process& job) {
    wait_for_steps(job);
    return job.descendants("pipeloom-run");
  }

  TempFolder folder_;
};

class MpiRuns : public StartedRuns {
 protected:
  void SetUp() override {
#ifndef PIPELOOM_WITH_MPI
    GTEST_SKIP() << "this build has no MPI";
#endif
    StartedRuns::SetUp();
  }
};

// How often the tests kill a run of each kind; PIPELOOM_KILLS=20 for a longer trial.
inline int kills() {
  const char* text = std::getenv("PIPELOOM_KILLS");
  return text == nullptr ? 2 : std::atoi(text);
}

}  // namespace pipeloom::tests
