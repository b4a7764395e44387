#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "planner/search/order.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// The rules by which a rank picks its next slot. All shares are in percent.
struct RankRules {
  // Decides whether F or I goes first if both could: I; F; or the one that did not run last. kWaitForBackward
  // alternates, and after an F waits for an I even if none has arrived yet. kStrict also waits for an F after an I.
  enum class Turn : uint8_t { kBackwardFirst, kForwardFirst, kAlternate, kWaitForBackward, kStrict };
  static constexpr int kTurns = 5;
  // A head start that no number of micro-batches makes up for.
  static constexpr int kAlways = 1 << 20;
  // Chunks beyond these share the last entry.
  static constexpr int kChunks = 4;

  Turn turn = Turn::kBackwardFirst;
  // Picks the chunk with the oldest micro-batch. Each later chunk of the rank gets a head start of so many
  // micro-batches. 0: the oldest micro-batch; kAlways: the latest stage; -kAlways: the earliest stage.
  int forward_lead = 0;
  int backward_lead = 0;
  // Limits the micro-batches of a chunk between F and I: this share of (its round trip / the time between two of its
  // micro-batches), plus the extra. This is Little's law with a factor. [chunk, latest stage first]
  std::array<int, kChunks> in_flight_percent = {100, 100, 100, 100};
  std::array<int, kChunks> in_flight_extra = {1, 1, 1, 1};
  // A W runs if the next input is known to be at least this share of a mean W away, or if memory is full.
  int gap_percent = 50;
  // If an I is known to arrive while an F would run, and the F would delay it by more than this share of the F, the F
  // waits for the I. In the warm-up such delays add up from rank to rank. 100: no F waits.
  int hold_percent = 100;
  // Share by which an F may delay an F of a later stage, for the first `hold_forwards` micro-batches of that stage. If
  // chunks share ranks, the first I's come as late as the first F's reach the last stage.
  int hold_forward_percent = 100;
  int hold_forwards = 0;
  // If more W's of a chunk than this are pending, one runs before the next F.
  int pending_limit = 1 << 20;
  // If costs of pairs are given: an F and an I that could both start run as a pair. The first `alone_backwards` I's and
  // the last `alone_forwards` F's of each chunk run alone, these F's before I's: the sooner they arrive, the sooner the
  // last I's do. An F or I waits for a partner for at most `wait_percent` of itself.
  bool pairs = false;
  int alone_backwards = 0;
  int alone_forwards = 0;
  int wait_percent = 0;
  // If B is shorter than I and W: only the first `split_first` and the last `split_last` backwards of a chunk are
  // split.
  int split_first = 1 << 20;
  int split_last = 0;

  bool operator==(const RankRules&) const = default;
};

// Time lost on the busiest ranks is never recovered, and the other ranks have time to serve them. So the busiest ranks
// have rules of their own.
struct ListPolicy {
  std::array<RankRules, 2> rules;  // [heavy_ranks() of the rank]

  bool operator==(const ListPolicy&) const = default;
};

// [rank] 1 for the ranks with the most work; 0 for the others, and for all ranks if all have about as much.
std::vector<uint8_t> heavy_ranks(const SearchProblem& problem);

// Runs all ranks from time 0 by one policy. A rank keeps room for one activation of each later stage that it holds, so
// no rank waits for memory for ever. Messages of a queue are taken in the order in which they were sent.
class ListScheduler {
 public:
  explicit ListScheduler(const SearchProblem& problem);

  // Returns the value of the policy's order (as Candidate::value_ns), or nullopt if it gets stuck. O(ops * log ranks),
  // no allocation after the first call.
  std::optional<int64_t> run(const ListPolicy& policy);

  // Returns the order of the last run. REQUIRES: that run returned a value.
  Order order() const;

 private:
  // Everything that a choice reads of a line, close together in memory.
  struct LineState {
    int32_t next = 0;     // index of the next op
    int32_t arrived = 0;  // ops whose input has been sent
    int32_t limit = 0;    // F only: most micro-batches between F and I
    int32_t count = 0;
    int32_t first_op = 0;
    bool forward = false;
    bool shares_queue = false;
    int64_t take = 0;
    int64_t reserve = 0;     // F only: memory kept free for later stages
    int64_t sending_ns = 0;  // least time until an input arrives that is not being sent yet
  };
  struct RankState {
    int64_t free_ns = 0;
    int64_t first_ns = -1;
    int64_t held = 0;
    int32_t done = 0;
    bool last_was_forward = false;
    bool started_backward = false;
  };
  struct Choice {
    int line = -1;
    int64_t wake_ns = 0;  // if no line is chosen: when to look again
    int joined = -1;      // line of the pair's I, or of the B's W; -1: none
  };
  struct Placed {
    int32_t op = 0;
    int32_t joined = -1;
  };

  void reset(const ListPolicy& policy);
  void set_limits();
  const RankRules& rules(int rank) const { return policy_.rules[heavy_[rank]]; }
  int64_t arrival_ns(int line) const;
  bool at_head_of_queue(int line) const;
  bool has_room(int rank, int line) const;
  int choose_chunk(const std::vector<int32_t>& lines, int lead, int rank, int64_t now_ns, int64_t& next_arrival_ns,
                   bool& blocked) const;
  Choice choose(int rank, int64_t now_ns, bool relaxed) const;
  bool forward_left(int rank) const;
  bool delays_forward(int rank, int forward, int64_t now_ns) const;
  int alive(int forward_line) const;
  int unrun_weights(int input_line) const;
  int pending_weight(int rank) const;
  void wait_for_partner(int rank, int64_t now_ns, int64_t next_forward_ns, int64_t next_backward_ns, int& forward,
                        int& backward) const;
  Choice with_backward(int rank, int backward) const;
  bool runs_alone(int rank, int line) const;
  bool makes_pair(int rank, int forward, int backward) const;
  int take_op(int rank, int line, bool alone);
  void send(int rank, int line, int op, const OpTimes& times, int64_t now_ns);
  void start(int rank, const Choice& choice, int64_t now_ns);
  void set_wake(int rank, int64_t at_ns) {
    wake_ns_[rank] = at_ns;
    int64_t& first = block_wake_ns_[rank / kBlock];
    if (at_ns <= first) {
      first = at_ns;
    } else {
      const auto block = wake_ns_.begin() + rank / kBlock * kBlock;
      first = *std::min_element(block, block + kBlock);
    }
  }
  void wake(int rank, int64_t at_ns) {
    if (at_ns < wake_ns_[rank]) set_wake(rank, at_ns);
  }
  int first_awake() const;
  bool wake_someone(int64_t now_ns);

  const SearchProblem& problem_;
  ListPolicy policy_;
  int ops_left_ = 0;
  // [rank] lines by pass, latest stage first.
  std::vector<std::vector<int32_t>> forward_lines_;
  std::vector<std::vector<int32_t>> backward_lines_;
  std::vector<LineState> lines_;
  std::vector<RankState> ranks_;
  // Ranks per block: the earliest wake-up is found over blocks first.
  static constexpr int kBlock = 8;
  std::vector<int64_t> wake_ns_;             // [rank] padded to whole blocks
  std::vector<int64_t> block_wake_ns_;       // [block] earliest of the block
  std::vector<int64_t> arrival_ns_;          // [op]
  std::vector<int64_t> round_trip_ns_;       // [line of F] least time from its start to the start of its I
  std::vector<uint8_t> shared_queue_;        // [queue] 1 if several lines use it
  std::vector<std::vector<int32_t>> sent_;   // [queue] lines in the order of sending
  std::vector<size_t> taken_;                // [queue]
  std::vector<std::vector<Placed>> order_;   // [rank]
  std::vector<std::vector<int32_t>> alone_;  // [line of I] indices of the I's that run apart from their W, in order
  std::vector<size_t> weights_done_;         // [line of I] how many W's of these have run
  std::vector<int64_t> mean_weight_ns_;      // [rank]
  std::vector<uint8_t> heavy_;               // [rank]
};

}  // namespace pipeloom::planner
