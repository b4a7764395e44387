#include "planner/schedules/placements.h"

#include <gtest/gtest.h>

namespace pipeloom::planner {
namespace {

std::string error(const Result<Placement>& placement) {
  return placement ? "accepted" : placement.error().message;
}

TEST(Placements, CheckEveryFieldOfTheShape) {
  EXPECT_EQ(error(linear_placement({0, 4})), "ranks is 0; at least 1 is allowed");
  EXPECT_EQ(error(linear_placement({4097, 4})), "ranks is 4097; allowed are 1 to 4096");
  EXPECT_EQ(error(linear_placement({4, 0})), "micro_batches is 0; at least 1 is allowed");
  EXPECT_EQ(error(linear_placement({4, (1 << 20) + 1})), "micro_batches is 1048577; at most 1048576 are allowed");
  EXPECT_EQ(error(looped_placement({4, 8, -1})), "chunks is -1; at least 0 is allowed");
  EXPECT_EQ(error(looped_placement({4, 8, 0, -1})), "group is -1; at least 0 is allowed");
  EXPECT_EQ(error(chimera_placement({4, 8, 0, 0, 0})), "pipe_pairs is 0; at least 1 is allowed");
  EXPECT_EQ(error(wave_placement({4, 8, 0, 0, 1, 0})), "waves is 0; at least 1 is allowed");
}

TEST(Placements, RefuseWhatNoMachineHolds) {
  EXPECT_EQ(error(v_placement({4096, 1 << 20})),
            "micro_batches is 1048576 over 8192 stages; the product may be at most 134217728");
}

TEST(Placements, HaveTwoChunksWhereTheShapeNamesNone) {
  EXPECT_EQ(looped_placement({4, 8}).value().chunks_per_rank(), 2);
  EXPECT_EQ(looped_placement({4, 8, 3}).value().chunks_per_rank(), 3);
}

TEST(Placements, NeedRanksThatTwoDirectionsCanShare) {
  EXPECT_EQ(error(dualpipe_placement({3, 8})), "ranks is 3; DualPipe needs an even number");
  EXPECT_EQ(error(chimera_placement({6, 8, 0, 0, 2})),
            "ranks is 6 with pipe_pairs 2; Chimera needs a multiple of 2*pipe_pairs = 4");
}

}  // namespace
}  // namespace pipeloom::planner
