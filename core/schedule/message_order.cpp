#include "core/schedule/message_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "core/schedule/host_program.h"

namespace pipeloom {

namespace {

using Kind = MessageAction::Kind;

// Simulates the hosts and their streams until nothing moves.
class StreamSimulation {
 public:
  StreamSimulation(const Schedule& schedule, const MessageTable& messages,
                   std::span<const std::vector<MessageAction>> actions, Communicators communicators)
      : schedule_(schedule),
        messages_(messages),
        actions_(actions),
        communicators_(communicators),
        next_(actions.size(), 0),
        received_(messages.messages().size(), false) {}

  Status run() {
    std::deque<int> ready;
    for (int rank = 0; rank < schedule_.ranks(); ++rank) ready.push_back(rank);
    while (!ready.empty()) {
      const int rank = ready.front();
      ready.pop_front();
      advance_host(rank);
      PIPELOOM_TRY(const std::vector<int> woken, advance_streams());
      ready.insert(ready.end(), woken.begin(), woken.end());
    }
    for (int rank = 0; rank < schedule_.ranks(); ++rank) {
      if (next_[rank] < actions_[rank].size()) return deadlock(rank);
    }
    return {};
  }

 private:
  // A communicator as one rank sees it: communicators are told apart by the pair of their ranks, or are all one.
  using Stream = std::tuple<int, int, int>;  // rank, then the communicator

  int source_of(uint32_t message) const { return queue_of(message).source; }
  int target_of(uint32_t message) const { return queue_of(message).target; }
  const Placement::Queue& queue_of(uint32_t message) const {
    return schedule_.placement().queues()[messages_.messages()[message].queue];
  }
  Stream stream_of(int rank, uint32_t message) const {
    const int source = source_of(message);
    const int target = target_of(message);
    if (communicators_ == Communicators::kAll) return {rank, -1, -1};
    if (communicators_ == Communicators::kEdge) return {rank, source, target};
    return {rank, std::min(source, target), std::max(source, target)};
  }
  const std::deque<MessageAction>& stream_at(int rank, uint32_t message) { return streams_[stream_of(rank, message)]; }

  // Runs until a wait for what has not come. Remembers the streams that got something to do.
  void advance_host(int rank) {
    for (; next_[rank] < actions_[rank].size(); ++next_[rank]) {
      const MessageAction& action = actions_[rank][next_[rank]];
      if (action.kind == Kind::kWait) {
        if (!received_[action.message]) return;
        continue;
      }
      const Stream stream = stream_of(rank, action.message);
      streams_[stream].push_back(action);
      if (streams_[stream].size() == 1) changed_.push_back(stream);
    }
  }

  // Ends every send and receive whose partner is first too. Returns the ranks that received something.
  Result<std::vector<int>> advance_streams() {
    std::vector<int> woken;
    while (!changed_.empty()) {
      const Stream stream = changed_.back();
      changed_.pop_back();
      std::deque<MessageAction>& own = streams_[stream];
      if (own.empty()) continue;
      const int rank = std::get<0>(stream);
      const bool sends = own.front().kind == Kind::kPostSend;
      const uint32_t message = own.front().message;
      const int partner = sends ? target_of(message) : source_of(message);
      std::deque<MessageAction>& other = streams_[stream_of(partner, message)];
      if (other.empty() || !are_partners(own.front(), rank, other.front(), partner)) continue;
      const MessageAction& receive = sends ? other.front() : own.front();
      const MessageAction& send = sends ? own.front() : other.front();
      if (receive.message != send.message) return swapped(receive, send);
      received_[message] = true;
      woken.push_back(target_of(message));
      other.pop_front();
      own.pop_front();
      changed_.push_back(stream);
      changed_.push_back(stream_of(partner, message));
    }
    return woken;
  }

  // Whether one sends to where the other receives from.
  bool are_partners(const MessageAction& own, int rank, const MessageAction& other, int partner) const {
    if (own.kind == other.kind) return false;
    return (other.kind == Kind::kPostSend ? target_of(other.message) : source_of(other.message)) == rank &&
           (own.kind == Kind::kPostSend ? target_of(own.message) : source_of(own.message)) == partner;
  }

  std::string name_of(uint32_t message) const {
    const uint32_t producer = messages_.messages()[message].producer;
    const Slot& slot = schedule_.slots()[producer];
    const Direction direction = queue_of(message).direction;
    const SlotKind pass = direction == Direction::kForward ? SlotKind::kF : slot.backward_kind();
    return fmt::format("{}{} of stage {}", slot_kind_name(pass), slot.micro_batch_of(direction),
                       slot.stage_of(direction));
  }

  tl::unexpected<Error> swapped(const MessageAction& receive, const MessageAction& send) const {
    return invalid(fmt::format("rank {} would take {} for {}, which it receives from rank {} before slot {}",
                               target_of(receive.message), name_of(send.message), name_of(receive.message),
                               source_of(receive.message), receive.position));
  }

  // What keeps `rank` from going on: the first of the stream that its awaited message is in.
  MessageAction obstacle(int rank) {
    const MessageAction& wait = actions_[rank][next_[rank]];
    const auto& stream = stream_at(rank, wait.message);
    return stream.empty() ? wait : stream.front();
  }

  tl::unexpected<Error> deadlock(int first) {
    std::vector<int> path;
    std::vector<std::string> words;
    for (int rank = first;;) {
      const auto seen = std::ranges::find(path, rank);
      if (seen != path.end()) {
        words.erase(words.begin(), words.begin() + (seen - path.begin()));
        break;
      }
      if (next_[rank] == actions_[rank].size()) {
        words.push_back(fmt::format("rank {} has ended", rank));
        break;
      }
      const MessageAction& wait = actions_[rank][next_[rank]];
      const MessageAction stuck = obstacle(rank);
      const bool sends = stuck.kind == Kind::kPostSend;
      const int partner = sends ? target_of(stuck.message) : source_of(stuck.message);
      std::string line = fmt::format("rank {} waits before slot {} for {} of rank {}", rank, wait.position,
                                     name_of(wait.message), source_of(wait.message));
      if (stuck.message != wait.message) {
        line += fmt::format(", behind its {} of {} {} rank {}", sends ? "send" : "receive", name_of(stuck.message),
                            sends ? "to" : "from", partner);
      }
      path.push_back(rank);
      words.push_back(std::move(line));
      rank = partner;
    }
    return fail(ErrorCode::kDeadlock, fmt::format("the messages deadlock: {}", fmt::join(words, "; ")));
  }

  const Schedule& schedule_;
  const MessageTable& messages_;
  std::span<const std::vector<MessageAction>> actions_;
  Communicators communicators_;
  std::vector<size_t> next_;    // [rank] its next action
  std::vector<bool> received_;  // [message]
  std::map<Stream, std::deque<MessageAction>> streams_;
  std::vector<Stream> changed_;  // streams with another first
};

}  // namespace

std::vector<std::vector<MessageAction>> message_actions(const Schedule& schedule, const MessageTable& messages) {
  const std::vector<HostProgram> programs = host_programs(schedule, messages);
  std::vector<std::vector<MessageAction>> actions(schedule.ranks());
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    const uint32_t first = schedule.first_slot(rank);
    for (uint32_t slot = first; slot < schedule.first_slot(rank + 1); ++slot) {
      const uint32_t position = slot - first;
      for (const uint32_t message : programs[rank].receives(position)) {
        actions[rank].push_back({Kind::kPostReceive, message, position});
      }
      for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
        const uint32_t input = messages.input(slot, direction);
        if (input != MessageTable::kNone) actions[rank].push_back({Kind::kWait, input, position});
      }
      for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
        const uint32_t output = messages.output(slot, direction);
        if (output != MessageTable::kNone) actions[rank].push_back({Kind::kPostSend, output, position});
      }
    }
  }
  return actions;
}

Status check_message_order(const Schedule& schedule, const MessageTable& messages,
                           std::span<const std::vector<MessageAction>> actions, Communicators communicators) {
  return StreamSimulation(schedule, messages, actions, communicators).run();
}

}  // namespace pipeloom
