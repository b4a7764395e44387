// pipeloom-run as processes: the same bits, and an end for every failure. What needs MPI skips aloud where it is left
// out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <thread>

#include "core/tasks/lower.h"
#include "proto/plan/plan_io.h"
#include "sim/engine/task_sweep.h"
#include "tests/backend/cli/started_runs.h"
#include "tests/backend/runtime/plans.h"

namespace pipeloom::backend {
namespace {

using tests::kills;
using tests::kLong;
using tests::kRanks;

class Threads : public tests::StartedRuns {};
class Mpi : public tests::MpiRuns {};
class Tcp : public tests::StartedRuns {};

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

TEST_F(Tcp, RanksThatWereStartedOtherwiseAreNamed) {
  folder_.file("other text", tests::some_text() + "!");
  const auto said = [&](const std::vector<std::string>& of_rank_2, const std::string& text_of_rank_2 = "text") {
    const int port = tests::free_port();
    std::vector<std::unique_ptr<tests::Process>> processes;
    for (int rank = 0; rank < kRanks; ++rank) {
      const bool usual = rank != 2;
      processes.push_back(start(rank, port, usual ? std::vector<std::string>{"--steps", "3"} : of_rank_2,
                                usual ? "text" : text_of_rank_2));
    }
    for (const auto& process : processes) EXPECT_EQ(process->wait(kLong), 1) << process->output();
    return processes[0]->output();
  };
  EXPECT_THAT(said({"--steps", "4"}), testing::HasSubstr("rank 2 was started with --steps 4 (not 3), as rank 0 was"));
  EXPECT_THAT(said({"--steps", "3", "--learning-rate", "0.01", "--seed", "7"}),
              testing::HasSubstr("rank 2 was started with --learning-rate 0.01 (not 0.001), --seed 7 (not 1)"));
  EXPECT_THAT(said({"--steps", "3"}, "other text"), testing::HasSubstr("rank 2 was started with the text "));
  EXPECT_THAT(said({"--steps", "3", "--trace", folder_.path("t")}),
              testing::HasSubstr("rank 2 was started with --trace on (not off)"));
}

TEST_F(Mpi, RanksThatWereStartedOtherwiseAreNamed) {
  std::vector<std::string> words = mpi_command(1, {"--steps", "3"});
  const std::vector<std::string> others = command({"--steps", "4"});
  words.insert(words.end(), {":", "-n", "3"});
  words.insert(words.end(), others.begin(), others.end());
  tests::Process job(words);
  EXPECT_GT(job.wait(kLong), 0);
  EXPECT_THAT(job.output(), testing::HasSubstr("rank 1 was started with --steps 4 (not 3)"));
}

}  // namespace
}  // namespace pipeloom::backend
