#include "gui/timeline/rows.h"

#include <algorithm>
#include <cmath>

namespace pipeloom::gui {

namespace {

struct Heights {
  double least = 0;
  double most = 0;

  int at(double share) const { return static_cast<int>(std::lround(least + (most - least) * share)); }
};

// [LaneRole], pixels. A pass needs 11 for its digits, a pair 18 for two of them.
constexpr Heights kLaneHeights[kLaneRoles] = {{12, 44}, {10, 24}, {2, 5}, {4, 18}, {4, 12}, {10, 24}};
constexpr Heights kMemoryHeight = {18, 56};
constexpr Heights kRankGap = {3, 10};
constexpr Heights kTitleHeight = {30, 30};
constexpr int kTop = 5;  // above the first rank

template <typename Add>
void for_each_row(std::span<const Picture* const> pictures, const RowOptions& options, const Add& add) {
  for (int picture = 0; picture < static_cast<int>(pictures.size()); ++picture) {
    for (int rank = 0; rank < static_cast<int>(pictures[picture]->ranks.size()); ++rank) {
      const RankPicture& content = pictures[picture]->ranks[rank];
      for (int lane = 0; lane < static_cast<int>(content.lanes.size()); ++lane) {
        const LaneRole role = content.lanes[lane].role;
        if (options.shows(role)) add(picture, rank, lane, kLaneHeights[static_cast<size_t>(role)]);
      }
      if (options.memory != ShowMemory::kNever && content.memory) add(picture, rank, -1, kMemoryHeight);
    }
  }
}

}  // namespace

namespace {

Heights heights_of(std::span<const Picture* const> pictures, const RowOptions& options) {
  Heights sum;
  const auto count = [&](Heights heights) {
    sum.least += heights.least;
    sum.most += heights.most;
  };
  for_each_row(pictures, options, [&](int, int, int, Heights heights) { count(heights); });
  for (const Picture* picture : pictures) {
    for (size_t rank = 0; rank < picture->ranks.size(); ++rank) count(kRankGap);
    if (options.titles) count(kTitleHeight);
  }
  return sum;
}

// Every height at this share of the way from its least to its most.
Rows rows_at(std::span<const Picture* const> pictures, const RowOptions& options, double share) {
  Rows rows;
  int y = options.titles ? 0 : kTop;
  int last_picture = -1;
  int last_rank = -1;
  for_each_row(pictures, options, [&](int picture, int rank, int lane, Heights heights) {
    if (picture != last_picture && options.titles) {
      rows.titles.push_back({picture, y, kTitleHeight.at(share)});
      y += kTitleHeight.at(share);
    }
    if (picture != last_picture || rank != last_rank) {
      if (!rows.ranks.empty() && picture == last_picture) y += kRankGap.at(share);
      rows.ranks.push_back({picture, rank, y, 0});
    }
    last_picture = picture;
    last_rank = rank;
    const int height = heights.at(share);
    rows.rows.push_back({picture, rank, lane, y, height});
    rows.has_memory = rows.has_memory || lane < 0;
    y += height + (height > 8 ? 1 : 0);
    rows.ranks.back().height = y - rows.ranks.back().y;
  });
  rows.height = y + kRankGap.at(share);
  return rows;
}

}  // namespace

Rows layout_rows(std::span<const Picture* const> pictures, const RowOptions& options, int available) {
  Heights sum = heights_of(pictures, options);
  if (options.memory == ShowMemory::kWhereRoom && sum.least > available) {
    RowOptions without = options;
    without.memory = ShowMemory::kNever;
    return layout_rows(pictures, without, available);
  }
  const double room = available - kTop;
  double share = sum.most > sum.least ? std::clamp((room - sum.least) / (sum.most - sum.least), 0.0, 1.0) : 0;
  Rows rows = rows_at(pictures, options, share);
  // Rounding and the lines between rows add up: a little less fits.
  while (rows.height > available && share > 0) {
    share = std::max(share - 0.02, 0.0);
    rows = rows_at(pictures, options, share);
  }
  return rows;
}

const Row* Rows::row_at(int y) const {
  const auto after = std::partition_point(rows.begin(), rows.end(), [&](const Row& row) { return row.y <= y; });
  if (after == rows.begin()) return nullptr;
  const Row& row = *(after - 1);
  return y < row.y + row.height ? &row : nullptr;
}

const RankBand* Rows::rank_at(int y) const {
  const auto after =
      std::partition_point(ranks.begin(), ranks.end(), [&](const RankBand& band) { return band.y <= y; });
  if (after == ranks.begin()) return nullptr;
  const RankBand& band = *(after - 1);
  return y < band.y + band.height ? &band : nullptr;
}

const Row* Rows::row_of(int picture, int rank, LaneRole role, std::span<const Picture* const> pictures) const {
  for (const Row& row : rows) {
    if (row.picture != picture || row.rank != rank || row.is_memory()) continue;
    if (pictures[picture]->ranks[rank].lanes[row.lane].role == role) return &row;
  }
  return nullptr;
}

const RankBand* Rows::band_of(int picture, int rank) const {
  const auto found = std::find_if(ranks.begin(), ranks.end(),
                                  [&](const RankBand& band) { return band.picture == picture && band.rank == rank; });
  return found == ranks.end() ? nullptr : &*found;
}

}  // namespace pipeloom::gui
