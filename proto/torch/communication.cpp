#include "proto/torch/communication.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>

namespace pipeloom::proto {

namespace {

using Kind = TorchActionKind;

// An overlap's parts, or the action itself.
std::span<const TorchAction> parts_of(const TorchAction& action) {
  return action.kind == Kind::kOverlap ? std::span(action.parts) : std::span(&action, 1);
}

// The next `most` stages that these actions use, in the order of use. `left`: different stages among them.
std::vector<int> next_stages(std::span<const TorchAction> actions, size_t most, size_t left) {
  std::vector<int> stages;
  for (const TorchAction& action : actions) {
    for (const TorchAction& part : parts_of(action)) {
      if (std::ranges::find(stages, part.stage) == stages.end()) stages.push_back(part.stage);
    }
    if (stages.size() >= std::min(most, left)) break;
  }
  return stages;
}

// [action] How many different stages are used from it on.
std::vector<size_t> stages_left(const std::vector<TorchAction>& actions) {
  std::vector<size_t> left(actions.size());
  std::set<int> seen;
  for (size_t i = actions.size(); i-- > 0;) {
    for (const TorchAction& part : parts_of(actions[i])) seen.insert(part.stage);
    left[i] = seen.size();
  }
  return left;
}

// What goes from one rank to another: a forward output or a gradient, known by the pass that makes it.
struct HandOver {
  bool forward = true;
  int stage = 0;  // of the sender
  int micro_batch = 0;

  int receiving_stage() const { return forward ? stage + 1 : stage - 1; }
  bool operator==(const HandOver&) const = default;
  bool operator<(const HandOver& other) const {
    return std::tuple(forward, stage, micro_batch) < std::tuple(other.forward, other.stage, other.micro_batch);
  }
};

// Nothing where the output stays on its rank, or there is none.
std::optional<HandOver> output_of(const TorchAction& action, const std::vector<int>& rank_of) {
  const bool forward = action.kind == Kind::kForward;
  if (!forward && action.kind != Kind::kInputBackward && action.kind != Kind::kFullBackward) return std::nullopt;
  const HandOver output = {forward, action.stage, action.micro_batch};
  const int to = output.receiving_stage();
  if (to < 0 || to >= static_cast<int>(rank_of.size())) return std::nullopt;
  return output;
}

std::optional<HandOver> input_of(const TorchAction& action, const std::vector<int>& rank_of) {
  const bool forward = action.kind == Kind::kForward;
  if (!forward && action.kind != Kind::kInputBackward && action.kind != Kind::kFullBackward) return std::nullopt;
  const int from = forward ? action.stage - 1 : action.stage + 1;
  if (from < 0 || from >= static_cast<int>(rank_of.size())) return std::nullopt;
  return HandOver{forward, from, action.micro_batch};
}

bool crosses(const HandOver& hand_over, const std::vector<int>& rank_of) {
  return rank_of[hand_over.stage] != rank_of[hand_over.receiving_stage()];
}

TorchAction send_of(const HandOver& it) {
  return {it.forward ? Kind::kSendForward : Kind::kSendBackward, it.stage, it.micro_batch};
}

TorchAction receive_of(const HandOver& it) {
  return {it.forward ? Kind::kReceiveForward : Kind::kReceiveBackward, it.receiving_stage(), it.micro_batch};
}

// The rows as they grow, and which outputs each rank has: computed there or received.
class TransferPlacer {
 public:
  TransferPlacer(const TorchRows& rows, const std::vector<int>& rank_of)
      : rows_(rows), rank_of_(rank_of), next_(rows.size(), 0), there_(rows.size()), result_(rows.size()) {}

  Result<TorchRows> place() {
    size_t left = 0;
    for (const auto& row : rows_) left += row.size();
    while (left > 0) {
      const size_t before = left;
      for (size_t rank = 0; rank < rows_.size(); ++rank) {
        if (next_[rank] < rows_[rank].size() && take(rank)) --left;
      }
      if (left == before) return fail(ErrorCode::kDeadlock, "no rank can go on: the schedule never ends");
    }
    return std::move(result_);
  }

 private:
  // The next action of the rank, if its inputs are there.
  bool take(size_t rank) {
    const TorchAction& action = rows_[rank][next_[rank]];
    for (const TorchAction& part : parts_of(action)) {
      const auto input = input_of(part, rank_of_);
      if (input && !there_[rank].contains(*input)) return false;
    }
    ++next_[rank];
    result_[rank].push_back(action);
    for (const TorchAction& part : parts_of(action)) {
      if (const auto output = output_of(part, rank_of_)) hand_over(rank, *output);
    }
    return true;
  }

  void hand_over(size_t rank, const HandOver& output) {
    there_[rank].insert(output);
    if (!crosses(output, rank_of_)) return;
    const auto peer = static_cast<size_t>(rank_of_[output.receiving_stage()]);
    result_[rank].push_back(send_of(output));
    result_[peer].push_back(receive_of(output));
    there_[peer].insert(output);
  }

  const TorchRows& rows_;
  const std::vector<int>& rank_of_;
  std::vector<size_t> next_;               // [rank]
  std::vector<std::set<HandOver>> there_;  // [rank]
  TorchRows result_;
};

// Reads the rows and remembers what each rank computed, sent and received.
class TransferCheck {
 public:
  TransferCheck(const TorchRows& rows, const std::vector<int>& rank_of) : rows_(rows), rank_of_(rank_of) {}

  Status check() {
    for (size_t rank = 0; rank < rows_.size(); ++rank) {
      for (const TorchAction& action : rows_[rank]) {
        for (const TorchAction& part : parts_of(action)) {
          if (Status checked = check_part(rank, part); !checked) return in_rank(rank, checked);
        }
      }
    }
    return check_pairs();
  }

 private:
  static Status in_rank(size_t rank, const Status& status) {
    return fail(status.error().code, fmt::format("rank {}: {}", rank, status.error().message));
  }

  Status check_part(size_t rank, const TorchAction& action) {
    if (action.transfers()) return check_transfer(rank, action);
    const auto input = input_of(action, rank_of_);
    if (input && crosses(*input, rank_of_) && !received_.contains(*input)) {
      return invalid(
          fmt::format("{} needs {} before it", torch_action_text(action), torch_action_text(receive_of(*input))));
    }
    if (const auto output = output_of(action, rank_of_)) computed_.insert(*output);
    return {};
  }

  Status check_transfer(size_t rank, const TorchAction& action) {
    const bool sends = action.kind == Kind::kSendForward || action.kind == Kind::kSendBackward;
    const bool forward = action.kind == Kind::kSendForward || action.kind == Kind::kReceiveForward;
    const int sender = sends ? action.stage : forward ? action.stage - 1 : action.stage + 1;
    const HandOver it = {forward, sender, action.micro_batch};
    const int last = static_cast<int>(rank_of_.size()) - 1;
    const auto outside = [&](int stage) { return stage < 0 || stage > last; };
    if (outside(it.stage) || outside(it.receiving_stage()) || !crosses(it, rank_of_)) {
      return invalid(fmt::format("{} has no other rank to talk to", torch_action_text(action)));
    }
    const int from = rank_of_[it.stage];
    const int to = rank_of_[it.receiving_stage()];
    if (static_cast<size_t>(sends ? from : to) != rank) {
      return invalid(fmt::format("{} belongs on rank {}", torch_action_text(action), sends ? from : to));
    }
    if (sends && !computed_.contains(it)) {
      return invalid(fmt::format("{} comes before what it sends", torch_action_text(action)));
    }
    auto& seen = sends ? sent_ : received_;
    if (!seen.insert(it).second) return invalid(fmt::format("{} is there twice", torch_action_text(action)));
    (sends ? sends_ : receives_)[{from, to, forward}].push_back(it);
    return {};
  }

  Status check_pairs() {
    for (const HandOver& it : computed_) {
      if (crosses(it, rank_of_) && !sent_.contains(it)) {
        return invalid(fmt::format("rank {}: {} is missing", rank_of_[it.stage], torch_action_text(send_of(it))));
      }
    }
    for (const HandOver& it : received_) {
      if (!sent_.contains(it)) {
        return invalid(fmt::format("rank {}: {} is never sent", rank_of_[it.receiving_stage()],
                                   torch_action_text(receive_of(it))));
      }
    }
    for (const auto& [queue, sends] : sends_) {
      const auto& receives = receives_[queue];
      const auto [send, receive] = std::ranges::mismatch(sends, receives);
      if (send == sends.end() && receive == receives.end()) continue;
      const auto [from, to, forward] = queue;
      return invalid(fmt::format("rank {} sends {} where rank {} receives {}: the orders differ", from,
                                 send == sends.end() ? "nothing" : torch_action_text(send_of(*send)), to,
                                 receive == receives.end() ? "nothing" : torch_action_text(receive_of(*receive))));
    }
    return {};
  }

  const TorchRows& rows_;
  const std::vector<int>& rank_of_;
  std::set<HandOver> computed_;
  std::set<HandOver> sent_;
  std::set<HandOver> received_;
  std::map<std::tuple<int, int, bool>, std::vector<HandOver>> sends_;  // [from, to, forward]
  std::map<std::tuple<int, int, bool>, std::vector<HandOver>> receives_;
};

}  // namespace

std::vector<TorchAction> with_unshard(const std::vector<TorchAction>& compute, size_t most) {
  const std::vector<size_t> left = stages_left(compute);
  std::set<int> active;
  std::vector<TorchAction> result;
  for (size_t i = 0; i < compute.size(); ++i) {
    const std::vector<int> next = next_stages(std::span(compute).subspan(i), most, left[i]);
    for (auto stage = active.begin(); stage != active.end();) {
      const bool used = std::ranges::find(next, *stage) != next.end();
      if (!used) result.push_back({Kind::kReshard, *stage});
      stage = used ? std::next(stage) : active.erase(stage);
    }
    for (const int stage : next) {
      if (active.insert(stage).second) result.push_back({Kind::kUnshard, stage});
    }
    result.push_back(compute[i]);
  }
  for (const int stage : active) result.push_back({Kind::kReshard, stage});
  return result;
}

std::vector<TorchAction> with_reduce_grad(const std::vector<TorchAction>& compute, int micro_batches) {
  std::map<int, int> passes;  // [stage]
  std::vector<TorchAction> result;
  for (const TorchAction& action : compute) {
    result.push_back(action);
    for (const TorchAction& part : parts_of(action)) {
      if (part.kind != Kind::kFullBackward && part.kind != Kind::kWeightBackward) continue;
      if (++passes[part.stage] == micro_batches) result.push_back({Kind::kReduceGrad, part.stage});
    }
  }
  return result;
}

Result<TorchRows> with_transfers(const TorchRows& rows, const std::vector<int>& rank_of) {
  return TransferPlacer(rows, rank_of).place();
}

Status check_transfers(const TorchRows& rows, const std::vector<int>& rank_of) {
  return TransferCheck(rows, rank_of).check();
}

}  // namespace pipeloom::proto
