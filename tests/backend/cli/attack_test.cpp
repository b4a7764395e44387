// Strangers attack runs over TCP: the runs end with the right bits, whatever comes to their ports.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "backend/transport/tcp/handshake.h"
#include "proto/plan/plan_io.h"
#include "tests/backend/cli/process.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"
#include "tests/backend/transport/attacker.h"
#include "tests/backend/transport/free_port.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::backend {
namespace {

using tests::Process;

constexpr int kRanks = 4;
// Seconds after which a test fails, on a machine that is busy.
constexpr double kLong = 120;
constexpr const char* kSecret = "PIPELOOM_SECRET=0123456789abcdef0123456789abcdef";

class Attack : public testing::Test {
 protected:
  void SetUp() override {
    const Plan plan = tests::plan_with(tests::training_job(tests::tiny_moe(), 2, 4, 2, 2), "dualpipe").value();
    ASSERT_TRUE(proto::write_plan(folder_.path("a.plan"), plan).has_value());
    folder_.file("text", tests::some_text());
  }

  std::vector<std::string> command(const std::string& steps) const {
    return {PIPELOOM_RUN, folder_.path("a.plan"), "--text", folder_.path("text"), "--check", "--steps", steps};
  }
  std::unique_ptr<Process> start(int rank, int port, const std::string& steps, const char* secret = kSecret) const {
    std::vector<std::string> words = {"env",
                                      secret,
                                      "RANK=" + std::to_string(rank),
                                      "WORLD_SIZE=" + std::to_string(kRanks),
                                      "MASTER_ADDR=127.0.0.1",
                                      "MASTER_PORT=" + std::to_string(port),
                                      "TORCHELASTIC_RUN_ID=attacked"};
    const std::vector<std::string> own = command(steps);
    words.insert(words.end(), own.begin(), own.end());
    return std::make_unique<Process>(words);
  }
  static std::string parameters(const std::string& output) {
    const size_t place = output.find("parameters ");
    return place == std::string::npos ? output : output.substr(place, 27);
  }
  std::string undisturbed_parameters(const std::string& steps) const {
    std::vector<std::string> words = command(steps);
    words.insert(words.end(), {"--ranks", "sequential"});
    Process process(words);
    EXPECT_EQ(process.wait(kLong), 0) << process.output();
    return parameters(process.output());
  }
  // What a rank says first, taken from a real run with the same secret.
  std::string recorded_handshake() const {
    const int port = tests::free_port();
    const auto first = start(0, port, "1");
    tests::Recorder recorder(port);
    std::vector<std::unique_ptr<Process>> others;
    others.push_back(start(1, recorder.port(), "1"));
    for (int rank = 2; rank < kRanks; ++rank) others.push_back(start(rank, port, "1"));
    EXPECT_EQ(first->wait(kLong), 0) << first->output();
    for (const auto& process : others) EXPECT_EQ(process->wait(kLong), 0) << process->output();
    return recorder.recorded(sizeof(Hello) + sizeof(Response));
  }
  static void wait_until_listening(const Process& process) {
    while (tests::listening_ports(process.pid()).empty()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  // Of all processes that are there.
  static std::vector<int> ports_of(const std::vector<std::unique_ptr<Process>>& processes) {
    std::vector<int> ports;
    for (const auto& process : processes) {
      const std::vector<int> more = tests::listening_ports(process->pid());
      ports.insert(ports.end(), more.begin(), more.end());
    }
    return ports;
  }

  tests::TempFolder folder_;
};

TEST_F(Attack, OnRanksThatWaitLeavesTheRunItsBits) {
  const std::string recorded = recorded_handshake();
  const std::string steps = "3";
  const int port = tests::free_port();
  std::vector<std::unique_ptr<Process>> processes;
  // Ranks 0 and 1 wait for the others: both listen.
  for (int rank = 0; rank < 2; ++rank) processes.push_back(start(rank, port, steps));
  for (const auto& process : processes) wait_until_listening(*process);
  const std::vector<int> ports = ports_of(processes);
  ASSERT_EQ(ports.size(), 2u);
  const tests::Attacker attacker([&] { return ports; }, kRanks, recorded);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  for (int rank = 2; rank < kRanks; ++rank) processes.push_back(start(rank, port, steps));
  for (const auto& process : processes) EXPECT_EQ(process->wait(kLong), 0) << process->output();
  EXPECT_GT(attacker.connections(), 1000);
  EXPECT_EQ(parameters(processes[0]->output()), undisturbed_parameters(steps));
  const std::string said = processes[0]->output();
  EXPECT_NE(said.find("rank 0: dropped the connection of 127.0.0.1 port "), std::string::npos) << said;
  EXPECT_LT(std::ranges::count(said, '\n'), 100) << said;
}

TEST_F(Attack, OnRanksThatTrainFindsNoPortAndLeavesTheRunItsBits) {
  const std::string steps = "40";
  const int port = tests::free_port();
  std::vector<std::unique_ptr<Process>> processes;
  for (int rank = 0; rank < kRanks; ++rank) processes.push_back(start(rank, port, steps));
  while (processes[0]->output().find("step ") == std::string::npos && processes[0]->running()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(ports_of(processes), std::vector<int>());
  {
    const tests::Attacker attacker([&] { return std::vector<int>{port}; }, kRanks, "");
    for (const auto& process : processes) EXPECT_EQ(process->wait(kLong), 0) << process->output();
  }
  EXPECT_EQ(parameters(processes[0]->output()), undisturbed_parameters(steps));
}

TEST_F(Attack, ByWhoHasAnotherSecretIsAnErrorOfItsOwn) {
  const int port = tests::free_port();
  std::vector<std::unique_ptr<Process>> processes;
  processes.push_back(start(0, port, "2"));
  wait_until_listening(*processes[0]);
  // It says that it is rank 1, in everything as rank 1 would but for the secret.
  const auto impostor = start(1, port, "2", "PIPELOOM_SECRET=another secret of some length");
  while (impostor->output().empty() && impostor->running()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_NE(impostor->output().find("does not prove that it is rank 0 of this run: is the secret the same on both?"),
            std::string::npos)
      << impostor->output();
  for (int rank = 1; rank < kRanks; ++rank) processes.push_back(start(rank, port, "2"));
  for (const auto& process : processes) EXPECT_EQ(process->wait(kLong), 0) << process->output();
  EXPECT_EQ(parameters(processes[0]->output()), undisturbed_parameters("2"));
}

// A stranger that listens where rank 0 is expected learns nothing that lets it be rank 0.
TEST_F(Attack, ByWhoListensInPlaceOfRank0IsFoundOut) {
  const auto impostor_port = tests::free_port();
  const auto impostor = start(0, impostor_port, "2", "PIPELOOM_SECRET=another secret of some length");
  wait_until_listening(*impostor);
  Process rank_1({"env", kSecret, "RANK=1", "WORLD_SIZE=4", "MASTER_ADDR=127.0.0.1",
                  "MASTER_PORT=" + std::to_string(impostor_port), PIPELOOM_RUN, folder_.path("a.plan"), "--text",
                  folder_.path("text"), "--deadline", "1"});
  EXPECT_EQ(rank_1.wait(kLong), 1);
  EXPECT_NE(rank_1.output().find("does not prove that it is rank 0 of this run"), std::string::npos) << rank_1.output();
}

}  // namespace
}  // namespace pipeloom::backend
