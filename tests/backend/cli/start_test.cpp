#include "backend/cli/start.h"

#include <gtest/gtest.h>

#include <map>

namespace pipeloom::backend {
namespace {

using Variables = std::map<std::string, std::string>;

Environment environment(const Variables& variables) {
  return [variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

const Variables kTorchrun = {{"RANK", "3"}, {"WORLD_SIZE", "8"}, {"MASTER_ADDR", "node1"}, {"MASTER_PORT", "29500"}};
const Variables kSlurm = {{"SLURM_PROCID", "5"},
                          {"SLURM_STEP_NUM_TASKS", "8"},
                          {"SLURM_STEP_NODELIST", "gpu[03-05,9],login"},
                          {"SLURM_JOB_ID", "1000"},
                          {"SLURM_STEP_ID", "2"}};

Variables with(Variables variables, const std::string& name, const std::string& value) {
  variables[name] = value;
  return variables;
}
Variables without(Variables variables, const std::string& name) {
  variables.erase(name);
  return variables;
}

TEST(Start, WhatStartedTheProcessDecides) {
  const auto chosen = [](const Variables& variables) { return chosen_ranks("auto", environment(variables)); };
  EXPECT_EQ(chosen({}), "threads");
  EXPECT_EQ(chosen({{"OMPI_COMM_WORLD_SIZE", "4"}}), "mpi");
  EXPECT_EQ(chosen(kTorchrun), "tcp");
  EXPECT_EQ(chosen(kSlurm), "tcp");
  EXPECT_EQ(chosen({{"PMI_SIZE", "4"}}), "mpi");
  EXPECT_EQ(chosen(with(kSlurm, "PMIX_RANK", "5")), "mpi");
  EXPECT_EQ(chosen(with(kSlurm, "PMI_SIZE", "8")), "tcp");
  EXPECT_EQ(chosen(with(kSlurm, "SLURM_STEP_NUM_TASKS", "1")), "threads");
  EXPECT_EQ(chosen_ranks("threads", environment(kTorchrun)), "threads");
}

TEST(Start, ReadsTorchrunsVariables) {
  const TcpWorld world = tcp_world(environment(kTorchrun)).value();
  EXPECT_EQ(world.rank, 3);
  EXPECT_EQ(world.ranks, 8);
  EXPECT_EQ(world.host, "node1");
  EXPECT_EQ(world.port, 29500);
  // Its agent listens on that port itself.
  EXPECT_EQ(tcp_world(environment(with(kTorchrun, "TORCHELASTIC_USE_AGENT_STORE", "True")))->port, 29501);
}

TEST(Start, ReadsSlurmsVariables) {
  const TcpWorld world = tcp_world(environment(kSlurm)).value();
  EXPECT_EQ(world.rank, 5);
  EXPECT_EQ(world.ranks, 8);
  EXPECT_EQ(world.host, "gpu03");
  EXPECT_EQ(tcp_world(environment(with(kSlurm, "SLURM_STEP_NODELIST", "a,b[1-2]")))->host, "a");
  EXPECT_EQ(tcp_world(environment(with(kSlurm, "SLURM_STEP_NODELIST", "only")))->host, "only");
  EXPECT_NE(tcp_world(environment(with(kSlurm, "SLURM_STEP_ID", "3")))->port, world.port);
}

TEST(Start, NamesWhatIsMissingOrWrong) {
  const auto error = [](const Variables& variables) { return tcp_world(environment(variables)).error().message; };
  const std::string needs = "--ranks tcp needs RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as torchrun sets them: ";
  EXPECT_EQ(error({}), needs + "WORLD_SIZE is not set in the environment");
  EXPECT_EQ(error(without(kTorchrun, "MASTER_ADDR")), needs + "MASTER_ADDR is not set in the environment");
  EXPECT_EQ(error(with(kTorchrun, "RANK", "8")), needs + "RANK is \"8\" in the environment; allowed are 0 to 7");
  EXPECT_EQ(error(with(kTorchrun, "MASTER_PORT", "x")),
            needs + "MASTER_PORT is \"x\" in the environment; allowed are 1 to 65534");
  EXPECT_EQ(error(without(kSlurm, "SLURM_STEP_NODELIST")), "SLURM_STEP_NODELIST is not set in the environment");
}

TEST(Start, KnowsHowManyRanksShareTheMachine) {
  EXPECT_EQ(ranks_here("tcp", 8, environment(with(kTorchrun, "LOCAL_WORLD_SIZE", "4"))), 4);
  EXPECT_EQ(ranks_here("tcp", 8, environment(with(kSlurm, "SLURM_STEP_TASKS_PER_NODE", "2(x4)"))), 2);
  EXPECT_EQ(ranks_here("mpi", 8, environment({{"OMPI_COMM_WORLD_LOCAL_SIZE", "3"}})), 3);
  EXPECT_EQ(ranks_here("tcp", 8, environment(kTorchrun)), 8);
  EXPECT_EQ(ranks_here("threads", 8, environment(with(kTorchrun, "LOCAL_WORLD_SIZE", "4"))), 8);
}

}  // namespace
}  // namespace pipeloom::backend
