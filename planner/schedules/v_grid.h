#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pipeloom::planner {

// The passes of a V in the order in which a micro-batch meets a rank. F and I each go from rank 0 to the last one
// (down) and come back (up). A W has the way of its I.
enum class VPass : int8_t { kNone = -1, kForwardDown = 0, kForwardUp, kInputDown, kInputUp, kWeightDown, kWeightUp };

inline bool is_input(VPass pass) {
  return pass == VPass::kInputDown || pass == VPass::kInputUp;
}
inline bool is_weight(VPass pass) {
  return pass == VPass::kWeightDown || pass == VPass::kWeightUp;
}
// Returns the rank from which `pass` gets its input: outside the grid for the first rank on its way, `rank` itself for
// a W.
int source_rank(VPass pass, int rank);

struct VCell {
  VPass pass = VPass::kNone;
  int32_t micro_batch = 0;  // for W's in one line for both ways (put_weights): the W's number in the line
};

// A schedule on paper, in which every pass takes one slot. [rank][slot]
struct VGrid {
  int micro_batches = 0;
  std::vector<std::vector<VCell>> rows;

  int ranks() const { return static_cast<int>(rows.size()); }
  size_t cell(int rank, int micro_batch) const { return static_cast<size_t>(rank) * micro_batches + micro_batch; }
  size_t slots() const;
};

// Slots of one micro-batch on one rank: F down and up, I down and up.
using VBlock = std::array<int, 4>;

// Repeats a block for every micro-batch, each six slots after the one before it.
VGrid repeat_block(const std::vector<VBlock>& block_of_rank, int micro_batches);

enum class WeightLine { kBothWays, kByWay };

// Gives each empty slot to a W whose I came before, and appends the remaining W's. kBothWays: one line for all W's of a
// rank. kByWay: W's of the way down go first.
void put_weights(VGrid& grid, WeightLine line);
void remove_weights(VGrid& grid);

// Moves every pass as early as its input and the rank's order allow.
void squeeze(VGrid& grid);

}  // namespace pipeloom::planner
