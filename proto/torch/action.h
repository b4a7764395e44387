#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace pipeloom::proto {

// What one cell of a PyTorch pipeline schedule does (torch/distributed/pipelining/schedules.py, _ComputationType).
enum class TorchActionKind : uint8_t {
  kForward,
  kInputBackward,
  kWeightBackward,
  kUnshard,
  kReshard,
  kReduceGrad,
  kSendForward,
  kReceiveForward,
  kSendBackward,
  kReceiveBackward,
  kFullBackward,
  kOverlap,  // of its parts
  // Since PyTorch 2.15: for the end of what was begun; read, never written.
  kWaitReduceGrad,
  kWaitSendForward,
  kWaitSendBackward,
};

struct TorchAction {
  static constexpr int32_t kNone = -1;

  TorchActionKind kind = TorchActionKind::kForward;
  int32_t stage = kNone;                // kNone: an overlap's
  int32_t micro_batch = kNone;          // kNone: of UNSHARD, RESHARD, REDUCE_GRAD and overlaps
  std::vector<TorchAction> parts = {};  // of an overlap

  // F, B, I, W and overlaps of them.
  bool computes() const;
  // Sends or receives; it stands between compute_comms and compute_only.
  bool transfers() const;

  bool operator==(const TorchAction&) const = default;
};

// Reads a cell as _Action.from_str does: nothing for a bubble; what follows a complete action is ignored there, and
// so it is here. Numbers above 2^31-1 are refused.
Result<std::optional<TorchAction>> parse_torch_action(std::string_view cell);

// "2F0", "1UNSHARD", "(0F3;3B1)OVERLAP_F_B": as PyTorch prints it.
std::string torch_action_text(const TorchAction& action);

// The rows of a schedule: one for each rank.
using TorchRows = std::vector<std::vector<TorchAction>>;

}  // namespace pipeloom::proto
