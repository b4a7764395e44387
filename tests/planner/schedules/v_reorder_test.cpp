#include "planner/schedules/v_reorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace pipeloom::tests {
namespace {

const std::string kPassLetters = "FfIiWw";

// One line per rank, "F0 . f0 I0": F and I down, f and i up, W and w of the way down and up.
VGrid grid_of(int micro_batches, const std::vector<std::string>& lines) {
  VGrid grid{micro_batches, {}};
  for (const std::string& line : lines) {
    auto& row = grid.rows.emplace_back();
    std::istringstream in(line);
    for (std::string cell; in >> cell;) {
      row.push_back(cell == "." ? VCell{}
                                : VCell{static_cast<VPass>(kPassLetters.find(cell[0])), std::stoi(cell.substr(1))});
    }
  }
  return grid;
}

std::vector<std::string> text_of(const VGrid& grid) {
  std::vector<std::string> lines;
  for (const auto& row : grid.rows) {
    std::string& line = lines.emplace_back();
    for (const VCell cell : row) {
      line += line.empty() ? "" : " ";
      line += cell.pass == VPass::kNone
                  ? "."
                  : kPassLetters[static_cast<size_t>(cell.pass)] + std::to_string(cell.micro_batch);
    }
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST(VGrid, RepeatsABlockEverySixSlots) {
  EXPECT_EQ(text_of(repeat_block({{0, 1, 2, 3}}, 2)), Lines{"F0 f0 I0 i0 . . F1 f1 I1 i1"});
}

TEST(VGrid, WeightsTakeEmptySlotsAndTheRestComesLast) {
  VGrid grid = grid_of(2, {"F0 f0 I0 i0 . F1 f1 I1 i1 . ."});
  VGrid by_way = grid;
  put_weights(grid, WeightLine::kBothWays);
  EXPECT_EQ(text_of(grid), Lines{"F0 f0 I0 i0 W0 F1 f1 I1 i1 W1 W2 W3"});
  put_weights(by_way, WeightLine::kByWay);
  EXPECT_EQ(text_of(by_way), Lines{"F0 f0 I0 i0 W0 F1 f1 I1 i1 W1 w0 w1"});
}

TEST(VGrid, SqueezeWaitsForTheNeighbourOnly) {
  VGrid grid = grid_of(1, {". F0 . . . f0 . I0 . . . i0", ". . . F0 f0 . . . . I0 i0"});
  squeeze(grid);
  EXPECT_EQ(text_of(grid), (Lines{"F0 . . f0 I0 . . i0", ". F0 f0 . . I0 i0"}));
}

TEST(VReorder, MovesPassesToTheFirstFreeSlotAfterTheirInputs) {
  VGrid grid = grid_of(1, {"F0 . f0 I0 . W0 i0 . W1"});
  reorder(grid);
  EXPECT_EQ(text_of(grid), Lines{"F0 f0 I0 W0 . . i0 . W1"}) << "from the first I up on, nothing moves";
}

TEST(VReorder, WithoutWeightsTheWarmUpStays) {
  VGrid grid = grid_of(1, {"F0 . f0 . I0 i0"});
  reorder(grid);
  EXPECT_EQ(text_of(grid), Lines{"F0 . f0 . I0 i0"});
}

int most_chunks(const VGrid& grid) {
  int most = 0;
  for (const auto& row : grid.rows) {
    int now = 0;
    for (const VCell cell : row) {
      if (cell.pass == VPass::kForwardDown || cell.pass == VPass::kForwardUp) ++now;
      if (is_weight(cell.pass)) --now;
      most = std::max(most, now);
    }
  }
  return most;
}

TEST(VReorder, NeverHoldsMoreThanBefore) {
  for (int ranks = 1; ranks <= 9; ++ranks) {
    const int extra = ranks % 3 == 0 ? 2 : 0;
    std::vector<VBlock> v_min;
    for (int rank = 0; rank < ranks; ++rank) {
      v_min.push_back({rank, 2 * ranks - 1 - rank, 2 * ranks + extra + rank, 4 * ranks + extra - 1 - rank});
    }
    VGrid grid = repeat_block(v_min, 12);
    put_weights(grid, WeightLine::kBothWays);
    const int before = most_chunks(grid);
    reorder(grid);
    EXPECT_EQ(most_chunks(grid), before) << ranks;
    const size_t slots_before = grid.slots();
    squeeze(grid);
    EXPECT_LE(grid.slots(), slots_before) << ranks;
    remove_weights(grid);
    reorder(grid);
    put_weights(grid, WeightLine::kBothWays);
    EXPECT_LE(most_chunks(grid), before) << ranks;
  }
}

}  // namespace
}  // namespace pipeloom::tests
