// pipeloom-run as processes: the same bits, and an end for every failure. What needs MPI skips aloud where it is left
// out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <thread>

#include "backend/cli/folder_store.h"
#include "core/tasks/lower.h"
#include "proto/plan/plan_io.h"
#include "sim/engine/task_sweep.h"
#include "tests/backend/cli/process.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"
#include "tests/backend/transport/free_port.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::backend {
namespace {

using tests::Process;

constexpr int kRanks = 4;
constexpr int64_t kStepsAfter = 3;  // that a resumed run does
// Seconds after which a test fails. Long, because a test machine is busy: a run that ends proves its claim by what it
// says, not by when it ends.
constexpr double kLong = 300;

class Threads : public testing::Test {
 protected:
  void SetUp() override {
    const Plan plan = tests::plan_with(tests::training_job(tests::tiny_moe(), 2, 4, 2, 2), "dualpipe").value();
    ASSERT_TRUE(proto::write_plan(folder_.path("a.plan"), plan).has_value());
    folder_.file("text", tests::some_text());
  }

  std::vector<std::string> command(const std::vector<std::string>& more) const {
    std::vector<std::string> words = {PIPELOOM_RUN, folder_.path("a.plan"), "--text", folder_.path("text"), "--check"};
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
  // Some steps more than the last checkpoint has. REQUIRES: the run that writes checkpoints there is gone.
  std::string steps_to_resume(const std::string& name) const {
    const auto last = FolderStore::create(folder_.path(name)).value().read(kLastCheckpoint).value();
    return std::to_string((last ? std::stoll(*last) : 0) + kStepsAfter);
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
    tests::Process process(command({"--steps", steps, "--ranks", "sequential"}));
    EXPECT_EQ(process.wait(kLong), 0) << process.output();
    return parameters(process.output());
  }
  static void wait_for_steps(const tests::Process& run) {
    for (int i = 0; i < 100 * kLong && run.output().find("step ") == std::string::npos; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  // Once the run prints steps.
  static std::vector<pid_t> ranks_at_work(const tests::Process& job) {
    wait_for_steps(job);
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
  tests::Process job(mpi_command(kRanks, {"--steps", "3"}));
  ASSERT_EQ(job.wait(kLong), 0) << job.output();
  EXPECT_EQ(parameters(job.output()), sequential_parameters("3"));
}

TEST_F(Mpi, RefusesAnotherNumberOfProcesses) {
  tests::Process job(mpi_command(2, {"--steps", "3"}));
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
  for (int i = 0; i < 100 * kLong && kill(pid, 0) == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return kill(pid, 0) != 0;
}

TEST_F(Threads, AKilledRunResumesToItsBits) {
  std::mt19937_64 random(1);
  for (int i = 0; i < kills(); ++i) {
    const std::string name = "checkpoints" + std::to_string(i);
    tests::Process killed(command(endless(name)));
    wait_for_steps(killed);
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
    killed.kill_all();
    const std::string steps = steps_to_resume(name);
    tests::Process run(command(resumed(name, steps)));
    EXPECT_EQ(run.wait(kLong), 0) << run.output();
    EXPECT_EQ(parameters(run.output()), sequential_parameters(steps));
  }
}

TEST_F(Mpi, AKilledRankEndsTheJobAndAResumedRunHasItsBits) {
  std::mt19937_64 random(1);
  for (int i = 0; i < kills(); ++i) {
    const std::string name = "checkpoints" + std::to_string(i);
    tests::Process job(mpi_command(kRanks, endless(name)));
    const std::vector<pid_t> ranks = ranks_at_work(job);
    ASSERT_EQ(ranks.size(), size_t{kRanks}) << job.output();
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 300));
    kill(ranks[i % kRanks], SIGKILL);
    ASSERT_GT(job.wait(kLong), 0) << job.output();
    for (const pid_t pid : ranks) EXPECT_TRUE(is_gone(pid)) << "process " << pid << " is left";
    const std::string steps = steps_to_resume(name);
    tests::Process run(mpi_command(kRanks, resumed(name, steps)));
    EXPECT_EQ(run.wait(kLong), 0) << run.output();
    EXPECT_EQ(parameters(run.output()), sequential_parameters(steps));
  }
}

TEST_F(Mpi, AHungRankEndsTheJobWithinTheDeadlineAndIsNamed) {
  tests::Process job(mpi_command(kRanks, {"--steps", "1000000", "--deadline", "1"}));
  const std::vector<pid_t> ranks = ranks_at_work(job);
  ASSERT_EQ(ranks.size(), size_t{kRanks}) << job.output();
  kill(ranks.back(), SIGSTOP);
  EXPECT_GT(job.wait(kLong), 0) << job.output();
  // In a task, or between two steps.
  EXPECT_THAT(job.output(), testing::ContainsRegex("nothing (ended|came) for (1|2).0 s"));
  EXPECT_NE(job.output().find("from rank "), std::string::npos) << job.output();
}

// A loose bound: a test machine is busy with other things. backend_bench measures.
TEST_F(Mpi, PacedRanksLastAboutAsLongAsPlanned) {
  Job job;
  job.costs = DirectCosts{{1'000'000}, {1'500'000}, {1'000'000}, {}, {}};
  job.layout.pipeline = kRanks;
  job.micro_batches = 16;
  const Plan plan = tests::plan_with(make_job(job).value(), "1f1b").value();
  ASSERT_TRUE(proto::write_plan(folder_.path("paced.plan"), plan).has_value());
  tests::Process run({"env", "ASAN_OPTIONS=detect_leaks=0", "mpirun", "--allow-run-as-root", "--oversubscribe", "-n",
                      std::to_string(kRanks), PIPELOOM_RUN, folder_.path("paced.plan"), "--pace", "--steps", "2",
                      "--json"});
  ASSERT_EQ(run.wait(kLong), 0) << run.output();
  const std::string text = run.output();
  const int64_t makespan_ns = std::stoll(text.substr(text.find("\"makespan_ns\":") + 14));
  const int64_t predicted_ns = sim::sweep_tasks(lower(plan)).value().makespan_ns;
  EXPECT_GE(makespan_ns, predicted_ns);
  EXPECT_LT(makespan_ns, predicted_ns * 3);
}

// Processes that no mpirun started find each other by torchrun's variables.
class Tcp : public Threads {
 protected:
  std::unique_ptr<tests::Process> start(int rank, int port, const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"env", "RANK=" + std::to_string(rank), "WORLD_SIZE=" + std::to_string(kRanks),
                                      "MASTER_ADDR=127.0.0.1", "MASTER_PORT=" + std::to_string(port)};
    const std::vector<std::string> own = command(more);
    words.insert(words.end(), own.begin(), own.end());
    return std::make_unique<tests::Process>(words);
  }
  std::vector<std::unique_ptr<tests::Process>> start_all(const std::vector<std::string>& more) const {
    const int port = tests::free_port();
    std::vector<std::unique_ptr<tests::Process>> processes;
    for (int rank = 0; rank < kRanks; ++rank) processes.push_back(start(rank, port, more));
    return processes;
  }
};

TEST_F(Tcp, EndsWithTheSequentialRunsParameters) {
  const auto processes = start_all({"--steps", "3"});
  for (const auto& process : processes) ASSERT_EQ(process->wait(kLong), 0) << process->output();
  EXPECT_EQ(parameters(processes[0]->output()), sequential_parameters("3"));
  EXPECT_EQ(processes[1]->output(), "");
}

TEST_F(Tcp, AKilledRankEndsAllAndAResumedRunHasItsBits) {
  std::mt19937_64 random(1);
  for (int i = 0; i < kills(); ++i) {
    const std::string name = "checkpoints" + std::to_string(i);
    const auto processes = start_all(endless(name));
    wait_for_steps(*processes[0]);
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 300));
    const int killed = i % kRanks;
    processes[killed]->kill_all();
    std::string said;
    for (const auto& process : processes) {
      ASSERT_GT(process->wait(kLong), 0) << process->output();
      said += process->output();
    }
    EXPECT_NE(said.find("rank " + std::to_string(killed) + " is gone"), std::string::npos) << said;
    const std::string steps = steps_to_resume(name);
    const auto run = start_all(resumed(name, steps));
    for (const auto& process : run) EXPECT_EQ(process->wait(kLong), 0) << process->output();
    EXPECT_EQ(parameters(run[0]->output()), sequential_parameters(steps));
  }
}

}  // namespace
}  // namespace pipeloom::backend
