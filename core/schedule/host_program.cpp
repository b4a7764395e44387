#include "core/schedule/host_program.h"

#include <algorithm>
#include <map>
#include <utility>

namespace pipeloom {

namespace {

// The messages of one edge in sending order, and how many of their receives have been posted.
struct Edge {
  std::vector<uint32_t> messages;
  size_t posted = 0;
};

struct Edges {
  std::map<std::pair<int, int>, Edge> edges;  // by (source, target)
  std::vector<size_t> places;                 // [message] its place on its edge
};

Edges edges_of(const Schedule& schedule, const MessageTable& messages) {
  Edges found{{}, std::vector<size_t>(messages.messages().size())};
  const auto queues = schedule.placement().queues();
  for (uint32_t slot = 0; slot < schedule.slots().size(); ++slot) {
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      const uint32_t message = messages.output(slot, direction);
      if (message == MessageTable::kNone) continue;
      const Placement::Queue& queue = queues[messages.messages()[message].queue];
      std::vector<uint32_t>& edge = found.edges[{queue.source, queue.target}].messages;
      found.places[message] = edge.size();
      edge.push_back(message);
    }
  }
  return found;
}

// [rank] How many slots of that rank are known to have begun.
using Begun = std::vector<uint32_t>;

void take_later(const Begun& other, Begun& begun) {
  for (size_t rank = 0; rank < begun.size(); ++rank) begun[rank] = std::max(begun[rank], other[rank]);
}

}  // namespace

std::vector<HostProgram> host_programs(const Schedule& schedule, const MessageTable& messages) {
  const int ranks = schedule.ranks();
  std::vector<HostProgram> programs(ranks);
  auto [edges, places] = edges_of(schedule, messages);
  std::vector<Begun> begun(ranks, Begun(ranks, 0));
  std::vector<Begun> told(messages.messages().size());    // by each message: what its sender knew
  std::vector<std::vector<uint32_t>> outstanding(ranks);  // sends that nobody is known to have taken
  const auto consumer_has_begun = [&](int rank, uint32_t message) {
    const uint32_t consumer = messages.messages()[message].consumer;
    const int target = schedule.rank_of_slot(consumer);
    return begun[rank][target] > consumer - schedule.first_slot(target);
  };
  for (const uint32_t slot : schedule.topological_order()) {
    const int rank = schedule.rank_of_slot(slot);
    HostProgram& program = programs[rank];
    // A send is taken back before the slot's own inputs have arrived, so by what the slots before it have learned.
    for (const uint32_t message : outstanding[rank]) {
      if (consumer_has_begun(rank, message)) program.sent_.push_back(message);
    }
    std::erase_if(outstanding[rank], [&](uint32_t message) { return consumer_has_begun(rank, message); });
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      const uint32_t input = messages.input(slot, direction);
      if (input == MessageTable::kNone) continue;
      Edge& edge = edges.at({schedule.rank_of_slot(messages.messages()[input].producer), rank});
      for (; edge.posted <= places[input]; ++edge.posted) program.receives_.push_back(edge.messages[edge.posted]);
      take_later(told[input], begun[rank]);
      told[input] = {};
    }
    begun[rank][rank] = slot - schedule.first_slot(rank) + 1;
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      const uint32_t output = messages.output(slot, direction);
      if (output == MessageTable::kNone) continue;
      told[output] = begun[rank];
      outstanding[rank].push_back(output);
    }
    program.receive_begin_.push_back(static_cast<uint32_t>(program.receives_.size()));
    program.sent_begin_.push_back(static_cast<uint32_t>(program.sent_.size()));
  }
  return programs;
}

}  // namespace pipeloom
