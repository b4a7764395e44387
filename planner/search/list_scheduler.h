#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "planner/search/order.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// The rules by which a rank chooses its next slot. All shares are in percent.
struct RankRules {
  // Which of F and I goes first where both could: I; F; or the other one than last time. kWaitForBackward alternates
  // and waits after an F for an I even where none has arrived yet; kStrict also waits after an I for an F.
  enum class Turn : uint8_t { kBackwardFirst, kForwardFirst, kAlternate, kWaitForBackward, kStrict };
  static constexpr int kTurns = 5;
  // A lead that no micro-batches make up for.
  static constexpr int kAlways = 1 << 20;
  // Chunks beyond these share the last entry.
  static constexpr int kChunks = 4;

  Turn turn = Turn::kBackwardFirst;
  // Of a rank's chunks that of the earliest micro-batch goes first, where one of a later stage counts as earlier by so
  // many micro-batches for each chunk between: 0: the oldest; kAlways: the latest stage; -kAlways: the earliest stage.
  int forward_lead = 0;
  int backward_lead = 0;
  // A chunk has at most (share of its round trip over the time between two of its micro-batches) + extra micro-batches
  // between F and I: Little's law with a factor.
  std::array<int, kChunks> in_flight_percent = {100, 100, 100, 100};
  std::array<int, kChunks> in_flight_extra = {1, 1, 1, 1};
  // A W runs in a gap that is known to be at least this share of it, or where memory is full.
  int gap_percent = 50;
  // An F that would delay an I, known to arrive while the F runs, by more than this share of the F waits for the I. In
  // the warm-up such delays add up from rank to rank. 100: none waits.
  int hold_percent = 100;
  // The same for an F of a later stage, as far as that is among the first `hold_forwards` micro-batches: where chunks
  // share ranks, the first I's come as late as the first F's reach the last stage.
  int hold_forward_percent = 100;
  int hold_forwards = 0;
  // W's that wait longer than this many micro-batches run before an F.
  int pending_limit = 1 << 20;
  // Where pairs cost something of their own: an F and an I that both could start run as a pair, but for the first I's
  // of each chunk, and its last F's, which then go before I's: the sooner they arrive, the sooner the last I's do. One
  // of F and I waits for the other for at most this share of itself.
  bool pairs = false;
  int alone_backwards = 0;
  int alone_forwards = 0;
  int wait_percent = 0;
  // Where a B is shorter than I and W: a chunk's backwards are split only among the first and the last of these.
  int split_first = 1 << 20;
  int split_last = 0;

  bool operator==(const RankRules&) const = default;
};

// What the ranks with the most work lose nobody makes up for; the others have time to serve them. So each of the two
// kinds has rules of its own.
struct ListPolicy {
  std::array<RankRules, 2> rules;  // [1] of ranks with the most work, where not all have about as much

  bool operator==(const ListPolicy&) const = default;
};

// [rank] 1: among those with the most work. All 0 where all have about as much.
std::vector<uint8_t> heavy_ranks(const SearchProblem& problem);

// Runs all ranks in the order of time by one policy. A rank keeps room for one activation of each later stage that it
// holds, so no rank waits for memory for ever; messages of a queue are taken in the order in which they were sent.
class ListScheduler {
 public:
  explicit ListScheduler(const SearchProblem& problem);

  // The value that the policy's order reaches (as Candidate::value_ns); nullopt where it gets stuck. O(ops * log
  // ranks), no allocation after the first call.
  std::optional<int64_t> run(const ListPolicy& policy);

  // The order of the last run. REQUIRES: it got through.
  Order order() const;

 private:
  // What a choice reads of a line lies together.
  struct LineState {
    int32_t next = 0;     // index of the next op
    int32_t arrived = 0;  // ops whose input has been sent
    int32_t limit = 0;    // of F: micro-batches between F and I
    int32_t count = 0;
    int32_t first_op = 0;
    bool forward = false;
    bool shares_queue = false;
    int64_t take = 0;
    int64_t reserve = 0;     // of F: room for later stages
    int64_t sending_ns = 0;  // what an input that nobody sends yet takes at least
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
    int64_t wake_ns = 0;  // where there is none: when to look again
    int joined = -1;      // the line of the I of a pair, or of the W of a B
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
  static constexpr int kBlock = 8;
  std::vector<int64_t> wake_ns_;             // [rank] filled up to whole blocks
  std::vector<int64_t> block_wake_ns_;       // the first of each block
  std::vector<int64_t> arrival_ns_;          // [op]
  std::vector<int64_t> round_trip_ns_;       // [line of F] from its start to the start of its I
  std::vector<uint8_t> shared_queue_;        // [queue] true where several lines use it
  std::vector<std::vector<int32_t>> sent_;   // [queue] lines in the order of sending
  std::vector<size_t> taken_;                // [queue]
  std::vector<std::vector<Placed>> order_;   // [rank]
  std::vector<std::vector<int32_t>> alone_;  // [line of I] which of its I's are alone, in their order
  std::vector<size_t> weights_done_;         // [line of I] how many of their W's have run
  std::vector<int64_t> mean_weight_ns_;      // [rank]
  std::vector<uint8_t> heavy_;               // [rank]
};

}  // namespace pipeloom::planner
