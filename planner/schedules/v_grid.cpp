#include "planner/schedules/v_grid.h"

#include <algorithm>

namespace pipeloom::planner {

namespace {

constexpr int kInterval = 6;  // F, I and W of two stages

void put_weights_in_row(std::vector<VCell>& row, WeightLine line) {
  while (!row.empty() && row.back().pass == VPass::kNone) row.pop_back();
  int waiting[2] = {};  // [way]
  int next[2] = {};
  const auto take = [&](int way) {
    --waiting[way];
    return VCell{way == 0 ? VPass::kWeightDown : VPass::kWeightUp, next[way]++};
  };
  for (VCell& cell : row) {
    if (is_input(cell.pass)) {
      ++waiting[line == WeightLine::kByWay && cell.pass == VPass::kInputUp];
    } else if (cell.pass == VPass::kNone && waiting[0] + waiting[1] > 0) {
      cell = take(waiting[0] > 0 ? 0 : 1);
    }
  }
  for (const int way : {0, 1}) {
    while (waiting[way] > 0) row.push_back(take(way));
  }
}

}  // namespace

int source_rank(VPass pass, int rank) {
  if (is_weight(pass)) return rank;
  return pass == VPass::kForwardDown || pass == VPass::kInputDown ? rank - 1 : rank + 1;
}

size_t VGrid::slots() const {
  size_t slots = 0;
  for (const auto& row : rows) slots = std::max(slots, row.size());
  return slots;
}

VGrid repeat_block(const std::vector<VBlock>& block_of_rank, int micro_batches) {
  VGrid grid{micro_batches, {}};
  for (const VBlock& block : block_of_rank) {
    auto& row =
        grid.rows.emplace_back(*std::max_element(block.begin(), block.end()) + kInterval * (micro_batches - 1) + 1);
    for (size_t pass = 0; pass < block.size(); ++pass) {
      for (int m = 0; m < micro_batches; ++m) row[block[pass] + kInterval * m] = {static_cast<VPass>(pass), m};
    }
  }
  return grid;
}

void put_weights(VGrid& grid, WeightLine line) {
  for (auto& row : grid.rows) put_weights_in_row(row, line);
}

void remove_weights(VGrid& grid) {
  for (auto& row : grid.rows) {
    for (VCell& cell : row) {
      if (is_weight(cell.pass)) cell = VCell{};
    }
  }
}

void squeeze(VGrid& grid) {
  std::vector<int> end[4];  // [pass][rank][micro-batch]
  for (auto& ends : end) ends.resize(grid.cell(grid.ranks(), 0));
  std::vector<std::vector<VCell>> squeezed(grid.ranks());
  for (size_t slot = 0; slot < grid.slots(); ++slot) {
    for (int rank = 0; rank < grid.ranks(); ++rank) {
      if (slot >= grid.rows[rank].size()) continue;
      const VCell cell = grid.rows[rank][slot];
      if (cell.pass == VPass::kNone) continue;
      auto& row = squeezed[rank];
      const int source = source_rank(cell.pass, rank);
      const size_t pass = static_cast<size_t>(cell.pass);
      if (source != rank && source >= 0 && source < grid.ranks()) {
        row.resize(std::max(row.size(), static_cast<size_t>(end[pass][grid.cell(source, cell.micro_batch)])));
      }
      row.push_back(cell);
      if (!is_weight(cell.pass)) end[pass][grid.cell(rank, cell.micro_batch)] = static_cast<int>(row.size());
    }
  }
  grid.rows = std::move(squeezed);
}

}  // namespace pipeloom::planner
