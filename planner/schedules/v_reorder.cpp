#include "planner/schedules/v_reorder.h"

#include <algorithm>

namespace pipeloom::planner {

namespace {

// What a rank holds after a slot.
struct Load {
  int activations = 0;
  int waiting_weights = 0;  // counted only if the grid has no W's

  bool operator==(const Load&) const = default;
};

class Reorder {
 public:
  explicit Reorder(VGrid& grid) : grid_(grid), loads_(grid.ranks()), last_weight_slot_(grid.ranks(), -1) {
    for (auto& slots : slot_of_) slots.resize(grid.cell(grid.ranks(), 0));
    for (int rank = 0; rank < grid.ranks(); ++rank) note_slots(rank);
    for (int rank = 0; rank < grid.ranks(); ++rank) note_loads(rank);
  }

  void run() {
    const int slots = static_cast<int>(grid_.slots());
    for (int slot = 0; slot < slots; ++slot) {
      for (int rank = 0; rank < grid_.ranks(); ++rank) {
        if (slot < static_cast<int>(grid_.rows[rank].size())) visit(rank, slot);
      }
    }
  }

 private:
  enum class Phase { kWarmUp, kSteady, kDrain };

  int& slot_of(VPass pass, int rank, int micro_batch) {
    return slot_of_[static_cast<size_t>(pass)][grid_.cell(rank, micro_batch)];
  }

  void note_slots(int rank) {
    const auto& row = grid_.rows[rank];
    for (size_t slot = 0; slot < row.size(); ++slot) {
      const VCell cell = row[slot];
      if (is_weight(cell.pass)) has_weights_ = true;
      if (cell.pass == VPass::kNone || is_weight(cell.pass)) continue;
      slot_of(cell.pass, rank, cell.micro_batch) = static_cast<int>(slot);
    }
  }

  void note_loads(int rank) {
    Load load;
    for (const VCell cell : grid_.rows[rank]) {
      load = after(load, cell.pass);
      loads_[rank].push_back(load);
      max_activations_ = std::max(max_activations_, load.activations);
    }
  }

  Load after(Load load, VPass pass) const {
    if (pass == VPass::kForwardDown || pass == VPass::kForwardUp) {
      ++load.activations;
    } else if (is_weight(pass)) {
      --load.activations;
    } else if (is_input(pass)) {
      load.waiting_weights += has_weights_ ? 0 : 1;
    } else if (load.waiting_weights > 0) {
      --load.activations;
      --load.waiting_weights;
    }
    return load;
  }

  void visit(int rank, int slot) {
    const VCell cell = grid_.rows[rank][slot];
    if (cell.pass == VPass::kNone) return;
    const int new_slot = may_move(rank, cell) ? move_earlier(rank, slot) : slot;
    if (is_weight(cell.pass)) {
      last_weight_slot_[rank] = new_slot;
    } else {
      slot_of(cell.pass, rank, cell.micro_batch) = new_slot;
    }
  }

  bool may_move(int rank, VCell cell) {
    if (phase_ == Phase::kWarmUp && rank == 0 && cell.pass == VPass::kInputUp) phase_ = Phase::kSteady;
    if (phase_ == Phase::kWarmUp) return has_weights_;
    if (phase_ == Phase::kDrain) return true;
    const bool is_last_forward = cell.pass == VPass::kForwardDown && cell.micro_batch == grid_.micro_batches - 1;
    if (is_last_forward) phase_ = Phase::kDrain;
    return false;
  }

  // Moves a pass to the earliest free slot that fits, and returns its slot.
  int move_earlier(int rank, int slot) {
    const auto& row = grid_.rows[rank];
    for (int target = earliest_slot(rank, row[slot]); target < slot; ++target) {
      if (row[target].pass == VPass::kNone && fits(rank, slot, target)) {
        move(rank, slot, target);
        return target;
      }
    }
    return slot;
  }

  int earliest_slot(int rank, VCell cell) {
    if (is_weight(cell.pass)) return 1 + std::max(last_weight_slot_[rank], input_slot(rank, cell.micro_batch));
    int latest = -1;
    const int source = source_rank(cell.pass, rank);
    if (source >= 0 && source < grid_.ranks()) latest = slot_of(cell.pass, source, cell.micro_batch);
    if (cell.pass != VPass::kForwardDown) {
      const auto pass_before = static_cast<VPass>(static_cast<int>(cell.pass) - 1);
      latest = std::max(latest, slot_of(pass_before, rank, cell.micro_batch));
    }
    if (cell.micro_batch > 0) latest = std::max(latest, slot_of(cell.pass, rank, cell.micro_batch - 1));
    return latest + 1;
  }

  // Returns the slot of the I with that number on the rank, both ways counted together. O(log micro_batches).
  int input_slot(int rank, int number) {
    const int micro_batches = grid_.micro_batches;
    const auto down = [&](int m) { return slot_of(VPass::kInputDown, rank, m); };
    const auto up = [&](int m) { return slot_of(VPass::kInputUp, rank, m); };
    int downs = std::max(0, number + 1 - micro_batches);  // how many of the first number+1 I's are on the way down
    int most_downs = std::min(number + 1, micro_batches);
    while (downs < most_downs) {
      const int middle = (downs + most_downs) / 2;
      if (down(middle) < up(number - middle)) {
        downs = middle + 1;
      } else {
        most_downs = middle;
      }
    }
    const int last_down = downs > 0 ? down(downs - 1) : -1;
    const int last_up = downs <= number ? up(number - downs) : -1;
    return std::max(last_down, last_up);
  }

  // Calls visit(slot, load) with what the rank holds from `target` on if the pass in `slot` moves there, until visit
  // returns false or nothing differs any more.
  template <typename Visit>
  void loads_if_moved(int rank, int slot, int target, Visit visit) const {
    const auto& row = grid_.rows[rank];
    Load load = target > 0 ? loads_[rank][target - 1] : Load{};
    for (int at = target; at < static_cast<int>(row.size()); ++at) {
      load = after(load, at == target ? row[slot].pass : at == slot ? VPass::kNone : row[at].pass);
      if (at >= slot && load == loads_[rank][at]) return;
      if (!visit(at, load)) return;
    }
  }

  bool fits(int rank, int slot, int target) const {
    bool fits = true;
    loads_if_moved(rank, slot, target, [&](int, Load load) { return fits = load.activations <= max_activations_; });
    return fits;
  }

  void move(int rank, int slot, int target) {
    loads_if_moved(rank, slot, target, [&](int at, Load load) {
      loads_[rank][at] = load;
      return true;
    });
    std::swap(grid_.rows[rank][slot], grid_.rows[rank][target]);
  }

  VGrid& grid_;
  bool has_weights_ = false;
  Phase phase_ = Phase::kWarmUp;
  std::vector<int> slot_of_[4];           // [pass][rank][micro-batch]
  std::vector<std::vector<Load>> loads_;  // [rank][slot]
  int max_activations_ = 0;
  std::vector<int> last_weight_slot_;  // [rank]
};

}  // namespace

void reorder(VGrid& grid) {
  Reorder(grid).run();
}

}  // namespace pipeloom::planner
