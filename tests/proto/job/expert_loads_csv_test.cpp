#include "proto/job/expert_loads_csv.h"

#include <gtest/gtest.h>

namespace pipeloom::proto {
namespace {

TEST(ExpertLoads, AreTheSameAfterACsv) {
  const std::vector<ExpertLoad> loads = {{1, {5, 0, 7}}, {62, {1, 2, 3}}};
  const std::string csv = expert_loads_to_csv(loads);
  EXPECT_EQ(csv, "layer,expert,tokens\n1,0,5\n1,1,0\n1,2,7\n62,0,1\n62,1,2\n62,2,3\n");
  EXPECT_EQ(parse_expert_loads("loads.csv", csv).value(), loads);
}

TEST(ExpertLoads, MayComeInAnyOrder) {
  EXPECT_EQ(parse_expert_loads("loads.csv", "layer,expert,tokens\n3,1,4\n2,0,9\n3,0,1\n").value(),
            (std::vector<ExpertLoad>{{2, {9}}, {3, {1, 4}}}));
}

// An expert without a line got no tokens.
TEST(ExpertLoads, MayLeaveExpertsOut) {
  EXPECT_EQ(parse_expert_loads("loads.csv", "layer,expert,tokens\n3,3,7\n3,1,4\n").value(),
            (std::vector<ExpertLoad>{{3, {0, 4, 0, 7}}}));
}

TEST(ExpertLoads, NamesTheCellThatIsWrong) {
  const auto error = [](const char* row) {
    return parse_expert_loads("loads.csv", std::string("layer,expert,tokens\n1,0,5\n") + row).error().message;
  };
  EXPECT_EQ(error("1,1,x\n"), "loads.csv:3:5: tokens is x; allowed are whole numbers from 0 to 1000000000000000");
  EXPECT_EQ(error("-1,1,1\n"), "loads.csv:3:1: layer is -1; allowed are whole numbers from 0 to 10000");
  EXPECT_EQ(error("1,0,2\n"), "loads.csv:3:3: expert 0 of layer 1 is there twice");
}

}  // namespace
}  // namespace pipeloom::proto
