#include "proto/chrome/chrome.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/proto/random_inputs.h"

namespace pipeloom::proto {
namespace {

// Slot i of a rank starts at 1000 i + 1 ns and takes 500 ns: not a simulation, but distinct times.
Timeline steps(const Schedule& schedule) {
  Timeline timeline;
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    for (size_t i = 0; i < schedule.slots_of(rank).size(); ++i) {
      timeline.start_ns.push_back(static_cast<int64_t>(i) * 1000 + 1);
      timeline.end_ns.push_back(timeline.start_ns.back() + 500);
    }
  }
  return timeline;
}

std::map<std::string, std::vector<nlohmann::json>> events_by_phase(const Schedule& schedule,
                                                                   const std::string& title = "title") {
  const auto trace = nlohmann::json::parse(chrome_trace(schedule, steps(schedule), title));
  std::map<std::string, std::vector<nlohmann::json>> events;
  for (const auto& event : trace["traceEvents"]) events[event["ph"]].push_back(event);
  return events;
}

TEST(Chrome, WritesASlot) {
  const Schedule schedule = tests::gpipe(1, 1);
  const std::string text = chrome_trace(schedule, steps(schedule), "one");
  EXPECT_TRUE(text.find(R"({"ph":"X","cat":"B","name":"B0","pid":0,"tid":0,"ts":1.001,"dur":0.500,)"
                        R"("args":{"stage":0,"micro_batch":0,"pipe":0}})") != std::string::npos)
      << text;
}

TEST(Chrome, HasEverySlotOnce) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 50; ++i) {
    const Schedule schedule = tests::random_schedule(random);
    auto events = events_by_phase(schedule);
    EXPECT_EQ(events["X"].size(), schedule.slots().size());
    std::set<std::pair<int, double>> places;
    for (const auto& event : events["X"]) places.emplace(event["pid"], event["ts"]);
    EXPECT_EQ(places.size(), schedule.slots().size());
  }
}

TEST(Chrome, NamesRanksAndLanes) {
  auto events = events_by_phase(tests::gpipe(2, 1));
  std::set<std::string> names;
  for (const auto& event : events["M"]) {
    if (event["args"].contains("name")) names.insert(event["args"]["name"]);
  }
  EXPECT_EQ(names, (std::set<std::string>{"rank 0", "rank 1", "compute"}));
}

TEST(Chrome, AnArrowPerHandOverBetweenRanks) {
  // 3 hand-overs forward and 3 backward for each of 5 micro-batches.
  auto events = events_by_phase(tests::gpipe(4, 5));
  EXPECT_EQ(events["s"].size(), 30u);
  ASSERT_EQ(events["f"].size(), 30u);
  for (size_t i = 0; i < events["s"].size(); ++i) {
    const auto& from = events["s"][i];
    const auto& to = events["f"][i];
    EXPECT_EQ(from["id"], to["id"]);
    EXPECT_EQ(std::abs(from["pid"].get<int>() - to["pid"].get<int>()), 1);
  }
}

TEST(Chrome, APairHasBothPasses) {
  const RankOrders orders = {{Slot::forward(0, 0), Slot::pair(0, 1, 0, 0), Slot::backward(0, 1)}};
  auto events = events_by_phase(Schedule::create(Placement::linear(1).value(), 2, orders).value());
  const auto& pair = events["X"][1];
  EXPECT_EQ(pair["name"], "F1&B0");
  EXPECT_EQ(pair["args"]["micro_batch"], 1);
  EXPECT_EQ(pair["args"]["backward_micro_batch"], 0);
  EXPECT_TRUE(events["s"].empty());
}

TEST(Chrome, ATitleMayHoldAnything) {
  const Schedule schedule = tests::gpipe(1, 1);
  const std::string title = "\"quoted\" \\ \n";
  const auto trace = nlohmann::json::parse(chrome_trace(schedule, steps(schedule), title));
  EXPECT_EQ(trace["otherData"]["title"], title);
  EXPECT_NO_THROW(events_by_phase(schedule, "bad \xff byte"));
}

}  // namespace
}  // namespace pipeloom::proto
