#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "gui/timeline/picture.h"

namespace pipeloom::gui {

enum class ShowMemory : uint8_t { kWhereRoom, kAlways, kNever };

// Which lanes are shown. Lanes that a picture has not take no room.
struct RowOptions {
  std::array<bool, kLaneRoles> lanes = {true, false, true, true, false, true};  // [LaneRole]
  ShowMemory memory = ShowMemory::kWhereRoom;
  bool titles = false;  // a line above each picture, for several

  bool shows(LaneRole role) const { return lanes[static_cast<size_t>(role)]; }
  bool operator==(const RowOptions&) const = default;
};

// Pixels from the top of the first rank.
struct Row {
  int picture = 0;
  int rank = 0;
  int lane = -1;  // of the rank's picture; -1: memory
  int y = 0;
  int height = 0;

  bool is_memory() const { return lane < 0; }
};
struct RankBand {
  int picture = 0;
  int rank = 0;
  int y = 0;
  int height = 0;
};
struct TitleBand {
  int picture = 0;
  int y = 0;
  int height = 0;
};

// Where everything is from top to bottom.
struct Rows {
  std::vector<Row> rows;
  std::vector<RankBand> ranks;
  std::vector<TitleBand> titles;
  int height = 0;
  bool has_memory = false;

  const Row* row_at(int y) const;        // null: between rows
  const RankBand* rank_at(int y) const;  // null: between ranks
  const Row* row_of(int picture, int rank, LaneRole role, std::span<const Picture* const> pictures) const;
  const RankBand* band_of(int picture, int rank) const;
};

// As tall as `available` where that leaves every lane between its least and its largest height; else as near as that
// allows, and the picture scrolls.
Rows layout_rows(std::span<const Picture* const> pictures, const RowOptions& options, int available);

}  // namespace pipeloom::gui
