// Makespans that other tools print (tests/data/cases/peer_times.csv) for the schedules whose order and timing rules we
// share.
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "core/base/units.h"
#include "tests/planner/support.h"
#include "tests/support/vectors.h"

namespace pipeloom::tests {
namespace {

using Row = std::map<std::string, std::string>;

// Our name for a row's schedule; empty where the tool builds an order of its own that we do not have: minPP's greedy
// ones, and sail's v_auto.
std::string our_name(Row& row) {
  static const std::map<std::string, std::string> kVictarry = {
      {"1f1b", "1f1b"},
      {"interleave", "interleaved-1f1b"},
      {"zb1p", "zb1p"},
      {"1f1b_overlap", "1f1b-overlap"},
      {"1f1b_interleave_overlap", "interleaved-1f1b-moe-overlap"},
      {"dualpipe", "dualpipe"},
      {"dualpipe_v", "dualpipev"}};
  static const std::map<std::string, std::string> kMinPp = {
      {"gpipe", "gpipe"}, {"1f1b", "1f1b"}, {"eager1f1b", "eager-1f1b"}, {"looped_bfs", "looped-bfs"}};
  static const std::map<std::string, std::string> kSail = {
      {"zb_h1", "zb-h1"}, {"zb_h2", "zb-h2"}, {"zbv", "zb-v"}, {"v_half", "v-half"}, {"v_min", "v-min"}};
  const std::string& tool = row["tool"];
  const auto& names = tool.starts_with("Victarry") ? kVictarry : tool.starts_with("minPP") ? kMinPp : kSail;
  const auto found = names.find(row["schedule"]);
  if (tool.starts_with("Chimera")) return "chimera";
  return found == names.end() ? "" : found->second;
}

// "1" or "0.8/1.2/1.5/0.9", one per stage, in ns.
std::vector<int64_t> times(const std::string& text, int stages) {
  std::vector<int64_t> values;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, '/');) values.push_back(parse_millionths(part).value());
  if (values.size() == 1) values.resize(stages, values.front());
  return values;
}

planner::PipelineShape shape_of(Row& row) {
  planner::PipelineShape shape;
  shape.ranks = std::stoi(row["P"]);
  shape.micro_batches = std::stoi(row["M"]);
  if (row["schedule"].find("interleave") != std::string::npos || row["schedule"] == "looped_bfs") {
    shape.chunks = std::stoi(row["V"]);
  }
  if (row["notes"].find("group=6") != std::string::npos) shape.group = 6;
  if (row["notes"].find("f=2") != std::string::npos) shape.pipe_pairs = 2;
  return shape;
}

ScheduleCosts costs_of(Row& row, const Placement& placement) {
  const int stages = placement.stages();
  const auto f = times(row["F"], stages);
  const auto w = times(row["W"].empty() ? "0" : row["W"], stages);
  const auto i = row["B_input"].empty() ? times(row["B_full"], stages) : times(row["B_input"], stages);
  ScheduleCosts::Input input;
  for (int stage = 0; stage < stages; ++stage) {
    const int64_t b = row["B_full"].empty() ? i[stage] + w[stage] : times(row["B_full"], stages)[stage];
    input.stages.push_back(StageCost::plain(f[stage], i[stage], w[stage], b));
  }
  const std::string& name = row["schedule"];
  if (name.starts_with("dualpipe") || name.ends_with("overlap")) {
    const PairCost pair = PairCost::plain(parse_millionths(row["overlap_FB"]).value());
    input.pairs.assign(static_cast<size_t>(stages) * stages, pair);
  }
  input.links = {LinkCost{parse_millionths(row["comm"]).value(), 0}};
  return ScheduleCosts::create(stages, placement.ranks(), input).value();
}

int64_t makespan(const std::string& name, Row& row) {
  const planner::NamedSchedule* named = planner::find_schedule(name).value();
  const planner::PipelineShape shape = shape_of(row);
  const Placement placement = named->placement(shape).value();
  const ScheduleCosts costs = costs_of(row, placement);
  const Schedule schedule = named->generate(shape, {costs}).value();
  return sim::simulate(schedule, costs, {}).value().makespan_ns;
}

// With latency Victarry also delays hand-overs on one rank and what follows a send on its rank: rules that we don't
// share. They matter where a rank runs both directions.
bool has_own_latency_rules(Row& row) {
  return row["tool"].starts_with("Victarry") && row["comm"] != "0" && row["schedule"] == "dualpipe";
}

TEST(PeerTimes, MakespansAreReproduced) {
  int reproduced = 0;
  for (Row& row : read_csv("cases/peer_times.csv")) {
    const std::string name = our_name(row);
    if (name.empty() || has_own_latency_rules(row)) continue;
    SCOPED_TRACE(row["tool"] + " " + row["schedule"] + " P=" + row["P"] + " M=" + row["M"]);
    EXPECT_EQ(makespan(name, row), parse_millionths(row["makespan"]).value());
    ++reproduced;
  }
  EXPECT_GE(reproduced, 45);
}

TEST(PeerTimes, VictarrysLatencyRulesDifferFromOurs) {
  int rows = 0;
  for (Row& row : read_csv("cases/peer_times.csv")) {
    if (!has_own_latency_rules(row)) continue;
    EXPECT_EQ(row["makespan"], "67.7");
    EXPECT_EQ(makespan(our_name(row), row), parse_millionths("67.6").value());
    ++rows;
  }
  EXPECT_EQ(rows, 1);
}

TEST(PeerTimes, ZeroBubblesTable5) {
  // Zero Bubble Pipeline Parallelism, arXiv 2401.10241, tables 5 and 9: bubble rate = (span - work) / span.
  const std::map<std::string, std::string> names = {{"1F1B", "1f1b"}, {"ZB-H1", "zb-h1"}, {"ZB-H2", "zb-h2"}};
  int rows = 0;
  for (Row& row : read_csv("cases/papers.csv")) {
    if (row["table"] != "Table 5 + Table 9" || !names.contains(row["schedule"])) continue;
    SCOPED_TRACE(row["schedule"] + " " + row["model"]);
    const auto ns = [&](const char* column) { return parse_millionths(row[column]).value(); };
    const planner::PipelineShape shape = {std::stoi(row["P"]), std::stoi(row["M"])};
    const StageCost stage = StageCost::plain(ns("T_F"), ns("T_B"), ns("T_W"));
    const ScheduleCosts costs = ScheduleCosts::uniform(shape.ranks, shape.ranks, stage, {ns("T_comm"), 0}).value();
    // The table gives ZB-H2 2p - 1 activations, one fewer than sail's code does by default.
    const int64_t limit = row["mem_limit"] == "(2p-1)*M_B" ? 2 * shape.ranks - 1 : 0;
    const Schedule schedule =
        planner::find_schedule(names.at(row["schedule"])).value()->generate(shape, {costs, {}, limit}).value();
    const sim::Bubble bubble = sim::measure_bubble(schedule, sim::simulate(schedule, costs, {}).value());
    EXPECT_NEAR(bubble.span_rate(), std::stod(row["reported"]), 0.00005);
    ++rows;
  }
  EXPECT_GE(rows, 12);
}

}  // namespace
}  // namespace pipeloom::tests
