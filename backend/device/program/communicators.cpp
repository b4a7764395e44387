#include "backend/device/program/communicators.h"

#include <algorithm>
#include <set>

#include "backend/runtime/program/replicas.h"

namespace pipeloom::backend {

namespace {

using Kind = Communicator::Kind;

class Planner {
 public:
  Planner(const Placement& placement, const Layout& layout) : placement_(placement), layout_(layout) {}

  CommunicatorPlan run(bool copies_tokens) {
    for (int replica = 0; replica < layout_.data; ++replica) add_edges(replica);
    for (int replica = 0; replica < layout_.data; replica += layout_.expert) {
      for (int rank = 0; rank < placement_.ranks(); ++rank) {
        add(Kind::kExpert, ep_group(layout_, {replica, rank}).members);
      }
    }
    for (int stage = 0; stage < placement_.stages(); ++stage) {
      const int holder = placement_.rank_of(0, stage);
      add(Kind::kReplica, reduction_group(layout_, placement_, stage, {0, holder}, false).members);
      for (int place = 0; place < layout_.expert; ++place) {
        add(Kind::kReplica, reduction_group(layout_, placement_, stage, {place, holder}, true).members);
      }
    }
    if (copies_tokens)
      add(Kind::kReplica, token_table_group(layout_, placement_, {0, placement_.rank_of(0, 0)}).members);
    return std::move(plan_);
  }

 private:
  void add_edges(int replica) {
    for (const Placement::Queue& queue : placement_.queues()) {
      const int ranks = placement_.ranks();
      add(Kind::kEdge, {RunRank{replica, queue.source}.number(ranks), RunRank{replica, queue.target}.number(ranks)},
          queue.direction);
    }
  }

  // Into the first round in which no member joins another.
  void add(Kind kind, std::vector<int> members, Direction direction = Direction::kForward) {
    if (members.size() < 2 || plan_.find(kind, members, direction) >= 0) return;
    int round = 0;
    while (round < plan_.rounds &&
           std::ranges::any_of(members, [&](int member) { return busy_[round].contains(member); })) {
      ++round;
    }
    if (round == plan_.rounds) {
      ++plan_.rounds;
      busy_.emplace_back();
    }
    busy_[round].insert(members.begin(), members.end());
    plan_.communicators.push_back({kind, direction, std::move(members), round});
  }

  const Placement& placement_;
  const Layout& layout_;
  CommunicatorPlan plan_;
  std::vector<std::set<int>> busy_;  // [round]
};

}  // namespace

int CommunicatorPlan::joined(int rank, int round) const {
  const auto found = std::ranges::find_if(communicators, [&](const Communicator& communicator) {
    return communicator.round == round && std::ranges::count(communicator.members, rank) > 0;
  });
  return found == communicators.end() ? -1 : static_cast<int>(found - communicators.begin());
}

int CommunicatorPlan::find(Kind kind, const std::vector<int>& members, Direction direction) const {
  const auto found = std::ranges::find_if(communicators, [&](const Communicator& communicator) {
    return communicator.kind == kind && communicator.direction == direction && communicator.members == members;
  });
  return found == communicators.end() ? -1 : static_cast<int>(found - communicators.begin());
}

CommunicatorPlan plan_communicators(const Placement& placement, const Layout& layout, bool copies_tokens) {
  return Planner(placement, layout).run(copies_tokens);
}

}  // namespace pipeloom::backend
