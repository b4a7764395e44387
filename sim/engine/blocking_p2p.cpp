#include "sim/engine/blocking_p2p.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/costs/slot_times.h"
#include "core/schedule/batches.h"
#include "sim/engine/link_queues.h"

namespace pipeloom::sim {

namespace {

class BlockingSimulation {
 public:
  BlockingSimulation(const Schedule& schedule, const ScheduleCosts& costs, const MessageTable& messages)
      : schedule_(schedule),
        costs_(costs),
        messages_(messages),
        batches_(schedule, messages),
        links_(schedule, costs, messages),
        ranks_(schedule.ranks()),
        ready_ns_(messages.messages().size(), 0),
        commits_(messages.messages().size(), 0),
        committed_ns_(messages.messages().size(), 0) {
    timeline_.start_ns.resize(schedule.slots().size());
    timeline_.end_ns.resize(schedule.slots().size());
  }

  Result<Timeline> run() {
    for (int rank = 0; rank < schedule_.ranks(); ++rank) advance(rank);
    while (const auto departure = links_.next()) arrive(*departure);
    for (int rank = 0; rank < schedule_.ranks(); ++rank) {
      if (!finished(rank)) return fail(ErrorCode::kDeadlock, describe_cycle(rank));
      timeline_.makespan_ns = std::max(timeline_.makespan_ns, ranks_[rank].lane_free_ns);
    }
    return std::move(timeline_);
  }

 private:
  struct RankState {
    uint32_t position = 0;     // position of the batch that is next or open
    bool open = false;         // true if committed and not yet all arrived
    uint32_t pending = 0;      // messages of the open batch still to arrive
    int64_t lane_free_ns = 0;  // end of the last slot
    int64_t batch_done_ns = 0;
  };

  uint32_t slot_count(int rank) const { return schedule_.first_slot(rank + 1) - schedule_.first_slot(rank); }
  bool finished(int rank) const { return !ranks_[rank].open && ranks_[rank].position > slot_count(rank); }

  // Commits batches and runs slots until a batch has to wait.
  void advance(int rank) {
    RankState& state = ranks_[rank];
    while (!finished(rank)) {
      if (!state.open) commit(rank);
      if (state.pending > 0) return;
      state.open = false;
      if (state.position < slot_count(rank)) run_slot(rank);
      ++state.position;
    }
  }

  void commit(int rank) {
    RankState& state = ranks_[rank];
    const auto batch = batches_.messages(rank, state.position);
    state.open = true;
    state.pending = static_cast<uint32_t>(batch.size());
    state.batch_done_ns = state.lane_free_ns;
    for (const uint32_t message : batch) {
      committed_ns_[message] = std::max(committed_ns_[message], state.lane_free_ns);
      if (++commits_[message] == 2) links_.admit(message, committed_ns_[message]);
    }
  }

  void run_slot(int rank) {
    RankState& state = ranks_[rank];
    const uint32_t slot = schedule_.first_slot(rank) + state.position;
    timeline_.start_ns[slot] = state.batch_done_ns;
    state.lane_free_ns = state.batch_done_ns + slot_times(costs_, schedule_.slots()[slot]).duration_ns;
    timeline_.end_ns[slot] = state.lane_free_ns;
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      const uint32_t sent = messages_.output(slot, direction);
      if (sent != MessageTable::kNone) ready_ns_[sent] = state.lane_free_ns;
    }
  }

  void arrive(const Links::Departure& departure) {
    const Message& message = messages_.messages()[departure.message];
    timeline_.hand_overs.push_back({message.queue, message.producer, message.consumer, ready_ns_[departure.message],
                                    departure.admitted_ns, departure.start_ns, departure.arrival_ns});
    const Placement::Queue& queue = schedule_.placement().queues()[message.queue];
    for (const int rank : {queue.source, queue.target}) {
      RankState& state = ranks_[rank];
      state.batch_done_ns = std::max(state.batch_done_ns, departure.arrival_ns);
      --state.pending;
    }
    advance(queue.source);
    advance(queue.target);
  }

  // Names the ranks of a cycle. Every stuck rank has a message in its open batch that the message's other rank has not
  // committed.
  std::string describe_cycle(int rank) const {
    std::vector<int> path;
    std::string text = "blocking P2P deadlocks: ";
    while (std::find(path.begin(), path.end(), rank) == path.end()) {
      path.push_back(rank);
      rank = waits_for(rank);
    }
    path.erase(path.begin(), std::find(path.begin(), path.end(), rank));
    for (const int member : path) {
      text +=
          fmt::format("rank {} before slot {} waits for rank {}; ", member, ranks_[member].position, waits_for(member));
    }
    text.resize(text.size() - 2);
    return text;
  }

  int waits_for(int rank) const {
    for (const uint32_t message : batches_.messages(rank, ranks_[rank].position)) {
      if (commits_[message] == 2) continue;
      const Placement::Queue& queue = schedule_.placement().queues()[messages_.messages()[message].queue];
      return queue.source == rank ? queue.target : queue.source;
    }
    return rank;
  }

  const Schedule& schedule_;
  const ScheduleCosts& costs_;
  const MessageTable& messages_;
  const Batches batches_;
  Links links_;
  Timeline timeline_;
  std::vector<RankState> ranks_;
  std::vector<int64_t> ready_ns_;      // [message]
  std::vector<uint8_t> commits_;       // [message] how many of its two ranks have committed it
  std::vector<int64_t> committed_ns_;  // [message] when the later of them did
};

}  // namespace

Result<Timeline> simulate_blocking(const Schedule& schedule, const ScheduleCosts& costs, const MessageTable& messages) {
  return BlockingSimulation(schedule, costs, messages).run();
}

}  // namespace pipeloom::sim
