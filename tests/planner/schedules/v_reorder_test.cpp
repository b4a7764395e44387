#include "planner/schedules/v_reorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace pipeloom::tests {
namespace {

const std::string kPassLetters = "FfIiWw";

// One line per rank, "F0 . f0 I0": F and I down, f and i up, W and w of the way down and up.
planner::VGrid grid_of(int micro_batches, const std::vector<std::string>& lines) {
  planner::VGrid grid{micro_batches, {}};
  for (const std::string& line : lines) {
    auto& row = grid.rows.emplace_back();
    std::istringstream in(line);
    for (std::string cell; in >> cell;) {
      row.push_back(cell == "." ? planner::VCell{}
                                : planner::VCell{static_cast<planner::VPass>(kPassLetters.find(cell[0])),
                                                 std::stoi(cell.substr(1))});
    }
  }
  return grid;
}

std::vector<std::string> text_of(const planner::VGrid& grid) {
  std::vector<std::string> lines;
  for (const auto& row : grid.rows) {
    std::string& line = lines.emplace_back();
    for (const planner::VCell cell : row) {
      line += line.empty() ? "" : " ";
      line += cell.pass == planner::VPass::kNone
                  ? "."
                  : kPassLetters[static_cast<size_t>(cell.pass)] + std::to_string(cell.micro_batch);
    }
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST(VGrid, RepeatsABlockEverySixSlots) {
  EXPECT_EQ(text_of(planner::repeat_block({{0, 1, 2, 3}}, 2)), Lines{"F0 f0 I0 i0 . . F1 f1 I1 i1"});
}

TEST(VGrid, WeightsTakeEmptySlotsAndTheRestComesLast) {
  planner::VGrid grid = grid_of(2, {"F0 f0 I0 i0 . F1 f1 I1 i1 . ."});
  planner::VGrid by_way = grid;
  planner::put_weights(grid, planner::WeightLine::kBothWays);
  EXPECT_EQ(text_of(grid), Lines{"F0 f0 I0 i0 W0 F1 f1 I1 i1 W1 W2 W3"});
  planner::put_weights(by_way, planner::WeightLine::kByWay);
  EXPECT_EQ(text_of(by_way), Lines{"F0 f0 I0 i0 W0 F1 f1 I1 i1 W1 w0 w1"});
}

TEST(VGrid, SqueezeWaitsForTheNeighbourOnly) {
  planner::VGrid grid = grid_of(1, {". F0 . . . f0 . I0 . . . i0", ". . . F0 f0 . . . . I0 i0"});
  planner::squeeze(grid);
  EXPECT_EQ(text_of(grid), (Lines{"F0 . . f0 I0 . . i0", ". F0 f0 . . I0 i0"}));
}

TEST(VReorder, MovesPassesToTheFirstFreeSlotAfterTheirInputs) {
  planner::VGrid grid = grid_of(1, {"F0 . f0 I0 . W0 i0 . W1"});
  planner::reorder(grid);
  EXPECT_EQ(text_of(grid), Lines{"F0 f0 I0 W0 . . i0 . W1"}) << "from the first I up on, nothing moves";
}

TEST(VReorder, WithoutWeightsTheWarmUpStays) {
  planner::VGrid grid = grid_of(1, {"F0 . f0 . I0 i0"});
  planner::reorder(grid);
  EXPECT_EQ(text_of(grid), Lines{"F0 . f0 . I0 i0"});
}

int most_chunks(const planner::VGrid& grid) {
  int most = 0;
  for (const auto& row : grid.rows) {
    int now = 0;
    for (const planner::VCell cell : row) {
      if (cell.pass == planner::VPass::kForwardDown || cell.pass == planner::VPass::kForwardUp) ++now;
      if (planner::is_weight(cell.pass)) --now;
      most = std::max(most, now);
    }
  }
  return most;
}

TEST(VReorder, NeverHoldsMoreThanBefore) {
  for (int ranks = 1; ranks <= 9; ++ranks) {
    const int extra = ranks % 3 == 0 ? 2 : 0;
    std::vector<planner::VBlock> v_min;
    for (int rank = 0; rank < ranks; ++rank) {
      v_min.push_back({rank, 2 * ranks - 1 - rank, 2 * ranks + extra + rank, 4 * ranks + extra - 1 - rank});
    }
    planner::VGrid grid = planner::repeat_block(v_min, 12);
    planner::put_weights(grid, planner::WeightLine::kBothWays);
    const int before = most_chunks(grid);
    planner::reorder(grid);
    EXPECT_EQ(most_chunks(grid), before) << ranks;
    const size_t slots_before = grid.slots();
    planner::squeeze(grid);
    EXPECT_LE(grid.slots(), slots_before) << ranks;
    planner::remove_weights(grid);
    planner::reorder(grid);
    planner::put_weights(grid, planner::WeightLine::kBothWays);
    EXPECT_LE(most_chunks(grid), before) << ranks;
  }
}

}  // namespace
}  // namespace pipeloom::tests
