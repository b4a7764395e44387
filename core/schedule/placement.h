#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/schedule/slot.h"

namespace pipeloom {

// Stored in plans: values never change.
enum class PlacementKind : uint8_t { kLinear = 0, kLooped = 1, kV = 2, kWave = 3, kBidirectional = 4 };

std::string_view placement_name(PlacementKind kind);                    // "linear", "looped", "v", ...
Result<PlacementKind> placement_kind_from_name(std::string_view name);  // the error lists the allowed names

// One (pipe, stage) that a rank holds.
struct Chunk {
  int pipe = 0;
  int stage = 0;
};

// Which rank runs which stage of which pipe. Immutable.
class Placement {
 public:
  static constexpr int kMaxRanks = 4096;
  static constexpr int kMaxStages = 65535;

  // Puts stage s on rank s.
  static Result<Placement> linear(int ranks);
  // Puts stage s on rank s mod ranks, `chunks` stages on each rank (Megatron's virtual pipeline).
  static Result<Placement> looped(int ranks, int chunks);
  // Goes down the ranks and back up: rank r holds stages r and 2*ranks-1-r.
  static Result<Placement> v(int ranks);
  // Goes down the ranks and back up `waves` times: rank r holds r, 2P-1-r, 2P+r, 4P-1-r, ... (Hanayo, SC23). One wave
  // equals `v`.
  static Result<Placement> wave(int ranks, int waves);
  // Runs 2*pairs pipes over the same stages. Pipe p < pairs runs stage s on rank (s + p*P/pairs) mod P, pipe pairs+p on
  // the mirrored rank (p*P/pairs + P-1-s) mod P (Chimera, SC21, section 3.6; DualPipe with pairs = 1).
  static Result<Placement> bidirectional(int ranks, int pairs);

  PlacementKind kind() const { return kind_; }
  int ranks() const { return ranks_; }
  int stages() const { return stages_; }
  int pipes() const { return pipes_; }
  // True if every rank that holds a last stage also holds a first stage, of any pipe (DualPipe, V placements). Such a
  // rank holds one copy of what both stages need.
  bool ends_share_a_rank() const;
  // Number of chunks that each rank holds, over all pipes.
  int chunks_per_rank() const { return pipes_ * stages_ / ranks_; }

  int rank_of(int pipe, int stage) const { return rank_of_[static_cast<size_t>(pipe) * stages_ + stage]; }
  // Returns the rank's chunks, by pipe, then by stage.
  std::span<const Chunk> chunks_of(int rank) const {
    return std::span(chunks_).subspan(static_cast<size_t>(rank) * chunks_per_rank(), chunks_per_rank());
  }

  // Returns the queue that carries `stage`'s output of `pipe`: to stage+1 forward, to stage-1 backward. -1 if the
  // hand-over stays on one rank or there is no next stage. A queue carries what one rank sends to another in one
  // direction, first in, first out. Queues are numbered 0 .. queues().size()-1.
  int queue_from(Direction direction, int pipe, int stage) const {
    return queue_from_[static_cast<size_t>(direction)][static_cast<size_t>(pipe) * stages_ + stage];
  }
  struct Queue {
    int source = 0;
    int target = 0;
    Direction direction = Direction::kForward;
  };
  std::span<const Queue> queues() const { return queues_; }

  bool operator==(const Placement& other) const {
    return kind_ == other.kind_ && ranks_ == other.ranks_ && stages_ == other.stages_ && pipes_ == other.pipes_;
  }

 private:
  Placement(PlacementKind kind, int ranks, int stages, int pipes, std::vector<uint16_t> rank_of);

  PlacementKind kind_;
  int ranks_;
  int stages_;
  int pipes_;
  std::vector<uint16_t> rank_of_;  // [pipe][stage]
  std::vector<Chunk> chunks_;      // [rank][chunk]
  std::vector<Queue> queues_;
  std::vector<int32_t> queue_from_[2];  // [direction][pipe][stage]
};

}  // namespace pipeloom
