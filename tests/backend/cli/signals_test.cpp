// Runs that signals end, however they were started: they end in time, lose no checkpoint, and go on to the bits of a
// run that nobody disturbed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "tests/backend/cli/started_runs.h"

namespace pipeloom::backend {
namespace {

using tests::kLong;
using tests::Process;
using Processes = std::vector<std::unique_ptr<Process>>;

constexpr int kStopped = 75;

// How the ranks are started: "threads", "mpi" or "tcp".
class Signals : public tests::StartedRuns, public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
#ifndef PIPELOOM_WITH_MPI
    if (is("mpi")) GTEST_SKIP() << "this build has no MPI";
#endif
    StartedRuns::SetUp();
  }
  bool is(const std::string& how) const {
    return GetParam() == how;
  }

  // What a user starts: rank 0, or all, are the first.
  Processes start_run(const std::vector<std::string>& more) const {
    if (is("tcp")) return start_all(more);
    Processes one;
    one.push_back(std::make_unique<Process>(is("mpi") ? mpi_command(tests::kRanks, more) : command(more)));
    return one;
  }
  std::vector<pid_t> ranks_of(const Processes& run) const {
    if (is("mpi")) return run[0]->descendants("pipeloom-run");
    std::vector<pid_t> ranks;
    for (const auto& process : run) ranks.push_back(process->pid());
    return ranks;
  }
  static std::vector<int> exit_codes(const Processes& run) {
    std::vector<int> codes;
    for (const auto& process : run) {
      codes.push_back(process->wait(kLong));
      EXPECT_GE(codes.back(), 0) << "does not end: " << process->output();
    }
    return codes;
  }
  void expect_resume_to_the_bits(const std::string& name) {
    const std::string steps = steps_to_resume(name);
    const Processes run = start_run(resumed(name, steps));
    for (const int code : exit_codes(run)) EXPECT_EQ(code, 0) << run[0]->output();
    if (!undisturbed_.contains(steps)) undisturbed_[steps] = sequential_parameters(steps);
    EXPECT_EQ(parameters(run[0]->output()), undisturbed_[steps]);
  }

 private:
  std::map<std::string, std::string> undisturbed_;  // parameters after so many steps
};

// One rank gets the signal, as the first of a cluster's nodes that is wanted back.
TEST_P(Signals, SaveTheStepAndEndWithACodeOfTheirOwn) {
  for (const int number : {SIGTERM, SIGINT}) {
    const std::string name = "stopped" + std::to_string(number);
    // Only the signal makes a checkpoint.
    const Processes run = start_run({"--steps", "1000000", "--checkpoints", folder_.path(name)});
    wait_for_steps(*run[0]);
    kill(ranks_of(run).back(), number);
    for (const int code : exit_codes(run)) EXPECT_EQ(code, kStopped) << run[0]->output();
    EXPECT_THAT(run[0]->output(),
                testing::ContainsRegex("stopped after step [0-9]+ of 1000000: --resume goes on from there"));
    EXPECT_GT(last_checkpoint(name), 0);
    expect_resume_to_the_bits(name);
  }
}

// PIPELOOM_KILLS=34 makes a hundred of them.
TEST_P(Signals, AtAnyMomentLoseNoCheckpoint) {
  constexpr uint64_t kLatest_ms = 1500;  // from the start of the processes; steps begin after some hundred
  std::mt19937_64 random(is("threads") ? 1 : is("mpi") ? 2 : 3);
  std::map<std::string, int> ends;
  std::chrono::steady_clock::duration longest{};
  for (int i = 0; i < tests::kills(); ++i) {
    const std::string name = "killed" + std::to_string(i);
    const Processes run = start_run(
        {"--steps", "1000000", "--deadline", "10", "--checkpoints", folder_.path(name), "--checkpoint-every", "2"});
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % kLatest_ms));
    const int number = std::array{SIGKILL, SIGTERM, SIGINT}[random() % 3];
    // All ranks, or one; where mpirun has not started them yet, mpirun.
    std::vector<pid_t> targets = ranks_of(run);
    if (targets.empty()) targets.push_back(run[0]->pid());
    if (random() % 2 == 0) targets = {targets[random() % targets.size()]};
    const int64_t before = last_checkpoint(name);
    const auto begin = std::chrono::steady_clock::now();
    for (const pid_t pid : targets) kill(pid, number);
    for (const int code : exit_codes(run)) {
      EXPECT_GT(code, 0);
      ++ends["signal " + std::to_string(number) + ", exit code " + std::to_string(code)];
    }
    longest = std::max(longest, std::chrono::steady_clock::now() - begin);
    EXPECT_GE(last_checkpoint(name), before);
    expect_resume_to_the_bits(name);
  }
  for (const auto& [end, count] : ends) std::cout << "  " << end << ": " << count << " processes\n";
  std::cout << "  the longest end: " << std::chrono::duration<double>(longest).count() << " s\n";
}

INSTANTIATE_TEST_SUITE_P(, Signals, testing::Values("threads", "mpi", "tcp"), [](const auto& of) { return of.param; });

}  // namespace
}  // namespace pipeloom::backend
