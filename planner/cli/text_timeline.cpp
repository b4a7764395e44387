#include "planner/cli/text_timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace pipeloom::planner {

namespace {

struct Look {
  char letter;
  const char* colour;  // ANSI 256-colour background and foreground
  const char* name;
};

// Indexed by SlotKind. Dark text on light blocks and the other way round.
constexpr std::array<Look, 5> kLooks = {{{'F', "48;5;25;38;5;231", "F forward"},
                                         {'B', "48;5;214;38;5;16", "B backward"},
                                         {'I', "48;5;222;38;5;16", "I backward for the input"},
                                         {'W', "48;5;114;38;5;16", "W backward for the weights"},
                                         {'X', "48;5;140;38;5;16", "F&B overlapped pair"}}};

constexpr int kNameColumns = 9;

// One character cell: which slot fills most of it, or none.
struct Cell {
  int64_t covered_ns = 0;
  uint32_t slot = UINT32_MAX;
};

class TextTimeline {
 public:
  TextTimeline(const Schedule& schedule, const Timeline& timeline, const Terminal& terminal)
      : schedule_(schedule), timeline_(timeline), terminal_(terminal), cells_(terminal.columns - kNameColumns) {}

  std::string text() {
    std::string out;
    for (int rank = 0; rank < schedule_.ranks(); ++rank) {
      out += fmt::format("{:>{}} ", fmt::format("rank {}", rank), kNameColumns - 1);
      append_lane(out, rank);
      out += '\n';
    }
    append_legend(out);
    return out;
  }

 private:
  size_t columns() const { return cells_.size(); }
  int64_t time_of(size_t column) const {
    return static_cast<int64_t>(static_cast<double>(timeline_.makespan_ns) * static_cast<double>(column) /
                                static_cast<double>(columns()));
  }

  // Gives each cell to the slot that covers most of it; cells that are mostly idle stay empty.
  void fill(int rank) {
    std::fill(cells_.begin(), cells_.end(), Cell{});
    uint32_t slot = schedule_.first_slot(rank);
    const uint32_t end = schedule_.first_slot(rank + 1);
    for (size_t column = 0; column < columns(); ++column) {
      const int64_t from_ns = time_of(column);
      const int64_t to_ns = time_of(column + 1);
      while (slot < end && timeline_.end_ns[slot] <= from_ns) ++slot;
      int64_t busy_ns = 0;
      for (uint32_t inside = slot; inside < end && timeline_.start_ns[inside] < to_ns; ++inside) {
        const int64_t covered_ns =
            std::min(timeline_.end_ns[inside], to_ns) - std::max(timeline_.start_ns[inside], from_ns);
        busy_ns += covered_ns;
        if (covered_ns > cells_[column].covered_ns) cells_[column] = {covered_ns, inside};
      }
      if (busy_ns * 2 < to_ns - from_ns) cells_[column].slot = UINT32_MAX;
    }
  }

  void append_lane(std::string& out, int rank) {
    fill(rank);
    for (size_t begin = 0; begin < columns();) {
      size_t end = begin + 1;
      while (end < columns() && cells_[end].slot == cells_[begin].slot) ++end;
      append_block(out, cells_[begin].slot, end - begin);
      begin = end;
    }
  }

  void append_block(std::string& out, uint32_t slot, size_t width) const {
    if (slot == UINT32_MAX) {
      out.append(width, terminal_.colour ? ' ' : '.');
      return;
    }
    const Slot& content = schedule_.slots()[slot];
    const Look& look = kLooks[static_cast<size_t>(content.kind)];
    std::string block =
        terminal_.colour ? std::to_string(content.micro_batch) : fmt::format("{}{}", look.letter, content.micro_batch);
    if (block.size() > width) block = terminal_.colour ? std::string() : std::string(1, look.letter);
    block.resize(width, terminal_.colour ? ' ' : '-');
    out += terminal_.colour ? fmt::format("\033[{}m{}\033[0m", look.colour, block) : block;
  }

  void append_legend(std::string& out) const {
    std::array<bool, kLooks.size()> used{};
    for (const Slot& slot : schedule_.slots()) used[static_cast<size_t>(slot.kind)] = true;
    out += std::string(kNameColumns, ' ');
    for (size_t kind = 0; kind < kLooks.size(); ++kind) {
      if (!used[kind]) continue;
      const Look& look = kLooks[kind];
      out += terminal_.colour ? fmt::format("\033[{}m {} \033[0m   ", look.colour, look.name)
                              : fmt::format("{}{}   ", look.letter == 'X' ? "X = " : "", look.name);
    }
    out += terminal_.colour ? "\n" : ". idle\n";
  }

  const Schedule& schedule_;
  const Timeline& timeline_;
  const Terminal& terminal_;
  std::vector<Cell> cells_;
};

}  // namespace

std::string text_timeline(const Schedule& schedule, const Timeline& timeline, const Terminal& terminal) {
  return TextTimeline(schedule, timeline, terminal).text();
}

}  // namespace pipeloom::planner
