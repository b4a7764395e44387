#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>
#include <string>

#include "planner/schedules/schedules.h"
#include "tests/support/vectors.h"

namespace pipeloom::planner {
namespace {

using Row = std::map<std::string, std::string>;

// By the names that CONSTRAINTS.csv uses.
const std::map<std::string, Result<Schedule> (*)(const PipelineShape&)> kSchedules = {
    {"GPipe", gpipe},
    {"1F1B", one_f_one_b},
    {"1f1b", one_f_one_b},
    {"1f1b_overlap", one_f_one_b_overlap},
    {"Interleaved1F1B", interleaved_one_f_one_b},
    {"interleaved_1f1b", interleaved_one_f_one_b},
    {"interleave", interleaved_one_f_one_b},
    {"1f1b_interleave_overlap", interleaved_one_f_one_b_overlap},
    {"LoopedBFS", looped_bfs},
    {"InterleavedZeroBubble", interleaved_zb},
    {"dualpipe", dualpipe},
    {"dualpipev", dualpipev},
    {"DualPipeV", dualpipev},
    {"dualpipe_v", dualpipev},
    {"chimera", chimera},
};

// What a reference rejects, or accepts and leaves incomplete, and we generate (and Schedule::create has validated):
// source, schedule, P, M, parameters.
const std::set<std::string> kOursAcceptsMore = {
    // Passes lost where more than two rounds are joined.
    "Chimera 6b78ac7 AutoGeneratePipelineRank,chimera,16,48,f=2",
    "Chimera 6b78ac7 AutoGeneratePipelineRank,chimera,6,18,f=1",
    "Chimera 6b78ac7 AutoGeneratePipelineRank,chimera,8,16,f=4",
    "Chimera 6b78ac7 AutoGeneratePipelineRank,chimera,8,24,f=1",
    // Megatron runs 1F1B with any number of micro-batches.
    "PyTorch 2.14.1,1F1B,4,3,V=1",
    // Uneven groups, as Megatron allows them.
    "PyTorch 2.14.1,Interleaved1F1B,4,14,V=2",
    "PyTorch 2.14.1,Interleaved1F1B,4,9,V=2",
    "PyTorch 2.14.1,Interleaved1F1B,8,17,V=2",
    "PyTorch 2.14.1,InterleavedZeroBubble,4,14,V=2",
    "PyTorch 2.14.1,InterleavedZeroBubble,4,9,V=2",
    // PyTorch's and Victarry's groups.
    "sail 39f2c18 vpp.py,interleaved_1f1b,4,6,V=2",
    // Megatron's order, which needs no more than one group.
    "Victarry 1dd92bf,1f1b_interleave_overlap,4,4,V=2",
    "Victarry 1dd92bf,1f1b_interleave_overlap,4,6,V=2",
    // The warm-up ends where the micro-batches do.
    "Victarry 1dd92bf,1f1b_overlap,8,14,V=1",
    "Victarry 1dd92bf,1f1b_overlap,8,8,V=1",
    // Complete from 2P-2 and 2P-1 micro-batches on.
    "deepseek DualPipe,dualpipe,2,2,",
    "deepseek DualPipe,dualpipe,4,6,",
    "deepseek DualPipe,dualpipe,8,14,",
    "deepseek DualPipeV,dualpipev,1,1,",
    "deepseek DualPipeV,dualpipev,2,3,",
    "deepseek DualPipeV,dualpipev,3,5,",
    "deepseek DualPipeV,dualpipev,4,7,",
    "PyTorch 2.14.1,DualPipeV,3,5,V=2",
    "PyTorch 2.14.1,DualPipeV,4,7,V=2",
    // DeepSeek's code runs on an odd number of ranks.
    "Victarry 1dd92bf,dualpipe_v,3,8,V=1",
    // Our DualPipeV has no such option and does not look at it.
    "PyTorch 2.14.1,DualPipeV,4,12,V=3",
};

std::string key(Row& row) {
  return row["source"] + "," + row["schedule"] + "," + row["P"] + "," + row["M"] + "," + row["params"];
}

PipelineShape shape_of(Row& row) {
  PipelineShape shape;
  shape.ranks = std::stoi(row["P"]);
  shape.micro_batches = std::stoi(row["M"]);
  std::istringstream parameters(row["params"]);
  std::string parameter;
  while (std::getline(parameters, parameter, ';')) {
    const size_t equals = parameter.find('=');
    const std::string name = parameter.substr(0, equals);
    const int value = std::stoi(parameter.substr(equals + 1));
    if (name == "V") shape.chunks = value;
    if (name == "group") shape.group = value;
    if (name == "f") shape.pipe_pairs = value;
  }
  return shape;
}

// False where the reference rejects the size or silently loses passes.
bool reference_runs(Row& row) {
  return row["verdict"] == "accept" && row["message"].find("INCOMPLETE") == std::string::npos;
}

TEST(Constraints, WhatAReferenceRunsIsGeneratedAndTheRestIsRefusedOrListed) {
  std::set<std::string> accepted_more;
  int rows = 0;
  for (Row& row : tests::read_csv("vectors/CONSTRAINTS.csv")) {
    const auto found = kSchedules.find(row["schedule"]);
    if (found == kSchedules.end()) continue;
    ++rows;
    SCOPED_TRACE(key(row));
    const auto schedule = found->second(shape_of(row));
    if (reference_runs(row)) {
      EXPECT_TRUE(schedule.has_value()) << schedule.error().message;
    } else if (schedule) {
      accepted_more.insert(key(row));
    } else {
      EXPECT_EQ(schedule.error().code, ErrorCode::kUnsupported);
      EXPECT_FALSE(schedule.error().message.empty());
    }
  }
  EXPECT_GT(rows, 90);
  EXPECT_EQ(accepted_more, kOursAcceptsMore);
}

}  // namespace
}  // namespace pipeloom::planner
