// pipeloom-run as processes: the same bits, and an end for every failure. What needs MPI skips aloud where it is left
// out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <random>
#include <thread>

#include "proto/plan_io.h"
#include "tests/backend/cli/process.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"
#include "tests/support/temp_folder.h"

namespace pipeloom {
namespace {

using tests::Process;

constexpr int kRanks = 4;
const std::string kManySteps = "60";  // enough to be interrupted
constexpr double kLong = 60;          // seconds; a test machine is busy

class Threads : public testing::Test {
 protected:
  void SetUp() override {
    const Plan plan = tests::plan_with(tests::training_job(tests::tiny_moe(), 2, 4, 2, 2), "dualpipe").value();
    ASSERT_TRUE(write_plan(folder_.path("a.plan"), plan).has_value());
    folder_.file("text", tests::some_text());
  }

  std::vector<std::string> command(const std::vector<std::string>& more) const {
    std::vector<std::string> words = {PIPELOOM_RUN, folder_.path("a.plan"), "--text", folder_.path("text"), "--check"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  // With checkpoints in a folder of its own.
  std::vector<std::string> resumable(const std::string& name, const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"--steps", kManySteps, "--checkpoints", folder_.path(name)};
    words.insert(words.end(), more.begin(), more.end());
    return words;
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
  static std::string parameters(const std::string& output) {
    const size_t place = output.find("parameters ");
    return place == std::string::npos ? output : output.substr(place, 27);
  }
  std::string sequential_parameters(const std::string& steps) const {
    Process process(command({"--steps", steps, "--ranks", "sequential"}));
    EXPECT_EQ(process.wait(kLong), 0) << process.output();
    return parameters(process.output());
  }
  // Once the run prints steps.
  static std::vector<pid_t> ranks_at_work(const Process& job) {
    for (int i = 0; i < 3'000 && job.output().find("step ") == std::string::npos; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return job.descendants("pipeloom-run");
  }

  tests::TempFolder folder_;
};

class Mpi : public Threads {
 protected:
  void SetUp() override {
#ifndef PIPELOOM_WITH_MPI
    GTEST_SKIP() << "this build has no MPI";
#endif
    Threads::SetUp();
  }
};

TEST_F(Mpi, EndsWithTheSequentialRunsParameters) {
  Process job(mpi_command(kRanks, {"--steps", "3"}));
  ASSERT_EQ(job.wait(kLong), 0) << job.output();
  EXPECT_EQ(parameters(job.output()), sequential_parameters("3"));
}

TEST_F(Mpi, RefusesAnotherNumberOfProcesses) {
  Process job(mpi_command(2, {"--steps", "3"}));
  EXPECT_EQ(job.wait(kLong), 1) << job.output();
  EXPECT_NE(job.output().find("the plan has 4 ranks (layout.pipeline * layout.data); 2 processes were started"),
            std::string::npos)
      << job.output();
}

// How often a rank is killed; PIPELOOM_KILLS=20 for a longer trial.
int kills() {
  const char* text = std::getenv("PIPELOOM_KILLS");
  return text == nullptr ? 2 : std::atoi(text);
}

// A process that was killed may take a moment to go.
bool is_gone(pid_t pid) {
  for (int i = 0; i < 200 && kill(pid, 0) == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return kill(pid, 0) != 0;
}

TEST_F(Threads, AKilledRunResumesToItsBits) {
  std::mt19937_64 random(1);
  const std::string expected = sequential_parameters(kManySteps);
  for (int i = 0; i < kills(); ++i) {
    const std::string name = "checkpoints" + std::to_string(i);
    Process run(command(resumable(name, {"--checkpoint-every", "2"})));
    ranks_at_work(run);
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
    run.kill_all();
    Process resumed(command(resumable(name, {"--resume"})));
    EXPECT_EQ(resumed.wait(kLong), 0) << resumed.output();
    EXPECT_EQ(parameters(resumed.output()), expected);
  }
}

TEST_F(Mpi, AKilledRankEndsTheJobAndAResumedRunHasItsBits) {
  std::mt19937_64 random(1);
  const std::string expected = sequential_parameters(kManySteps);
  for (int i = 0; i < kills(); ++i) {
    const std::string name = "checkpoints" + std::to_string(i);
    Process job(mpi_command(kRanks, resumable(name, {"--checkpoint-every", "3"})));
    const std::vector<pid_t> ranks = ranks_at_work(job);
    ASSERT_EQ(ranks.size(), size_t{kRanks}) << job.output();
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 300));
    kill(ranks[i % kRanks], SIGKILL);
    EXPECT_GT(job.wait(10), 0) << job.output();
    for (const pid_t pid : ranks) EXPECT_TRUE(is_gone(pid)) << "process " << pid << " is left";
    Process resumed(mpi_command(kRanks, resumable(name, {"--resume"})));
    EXPECT_EQ(resumed.wait(kLong), 0) << resumed.output();
    EXPECT_EQ(parameters(resumed.output()), expected);
  }
}

TEST_F(Mpi, AHungRankEndsTheJobWithinTheDeadlineAndIsNamed) {
  Process job(mpi_command(kRanks, {"--steps", "1000000", "--deadline", "1"}));
  const std::vector<pid_t> ranks = ranks_at_work(job);
  ASSERT_EQ(ranks.size(), size_t{kRanks}) << job.output();
  kill(ranks.back(), SIGSTOP);
  EXPECT_GT(job.wait(10), 0) << job.output();
  // In a task, or between two steps.
  EXPECT_THAT(job.output(), testing::ContainsRegex("nothing (ended|came) for (1|2).0 s"));
  EXPECT_NE(job.output().find("from rank "), std::string::npos) << job.output();
}

}  // namespace
}  // namespace pipeloom
