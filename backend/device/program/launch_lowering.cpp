#include "backend/device/program/launch_lowering.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <queue>
#include <tuple>

#include "core/base/check.h"
#include "core/schedule/batches.h"
#include "core/tasks/lower.h"

namespace pipeloom::backend {

namespace {

constexpr uint32_t kNone = UINT32_MAX;

// A launch before the order of issue is known.
struct Node {
  Launch launch;
  int64_t duration_ns = 0;
  std::vector<uint32_t> after;  // nodes on any stream
};

class LaunchLowering {
 public:
  LaunchLowering(const TaskGraph& graph, const LaunchRules& rules)
      : graph_(graph), rules_(rules), node_of_(graph.tasks().size(), kNone) {}

  Result<LaunchProgram> run() {
    make_nodes();
    for (uint32_t node = 0; node < nodes_.size(); ++node) find_dependencies(node);
    PIPELOOM_TRY(const std::vector<uint32_t> order, issue_order());
    emit(order);
    find_passed();
    return std::move(program_);
  }

 private:
  // --- launches and their streams ---

  bool copies() const { return rules_.transfers == Transfers::kCopies; }
  const Task& task(uint32_t number) const { return graph_.tasks()[number]; }
  bool is_passed(uint32_t number) const { return copies() && task(number).key.kind == TaskKind::kReceive; }
  bool is_launched(uint32_t number) const {
    return (copies() || task(number).key.rank == rules_.rank) && !is_passed(number);
  }

  void make_nodes() {
    std::vector<uint32_t> group_of(graph_.tasks().size(), kNone);
    for (uint32_t group = 0; group < rules_.groups.size(); ++group) {
      for (const uint32_t member : rules_.groups[group]) group_of[member] = group;
    }
    for (uint32_t queue = 0; queue < graph_.queues(); ++queue) {
      const auto tasks = graph_.queue(queue);
      const auto launched = [&](uint32_t number) { return is_launched(number) && group_of[number] == kNone; };
      if (std::ranges::none_of(tasks, launched)) continue;
      const Task& first = task(tasks.front());
      const uint32_t stream = add_stream({first.key.rank, first.lane, first.peer, first.direction});
      for (const uint32_t number : tasks) {
        if (launched(number)) add_node(stream, {number});
      }
    }
    if (rules_.groups.empty()) return;
    const uint32_t stream = add_stream({rules_.rank, Lane::kP2p, -1, Direction::kForward});
    for (const auto& group : rules_.groups) add_node(stream, group);
  }

  uint32_t add_stream(const LaunchStream& stream) {
    program_.streams.push_back(stream);
    on_stream_.emplace_back();
    return static_cast<uint32_t>(program_.streams.size() - 1);
  }

  void add_node(uint32_t stream, std::vector<uint32_t> tasks) {
    const auto number = static_cast<uint32_t>(nodes_.size());
    Node node;
    for (const uint32_t member : tasks) {
      node_of_[member] = number;
      node.duration_ns = std::max(node.duration_ns, task(member).duration_ns);
    }
    node.launch = {stream, std::move(tasks)};
    nodes_.push_back(std::move(node));
    on_stream_[stream].push_back(number);
  }

  // --- what a launch waits for ---

  void find_dependencies(uint32_t number) {
    Node& node = nodes_[number];
    for (const uint32_t member : node.launch.tasks) {
      for (const TaskDependency& dependency : graph_.dependencies(member)) add_source(node, dependency.from, member);
    }
    std::ranges::sort(node.after);
    node.after.erase(std::unique(node.after.begin(), node.after.end()), node.after.end());
    std::erase(node.after, number);
  }

  void add_source(Node& node, uint32_t from, uint32_t to) {
    if (is_passed(from)) {
      for (const TaskDependency& dependency : graph_.dependencies(from)) add_source(node, dependency.from, to);
    } else if (!is_launched(from)) {
      // Of another rank, whose message or member is waited for. What this rank owes to the send it owes to the
      // receive here: a free buffer.
      if (task(to).key.kind != TaskKind::kReceive || task(from).key.kind != TaskKind::kSend) return;
      for (const TaskDependency& owed : graph_.dependencies(from)) {
        if (is_launched(owed.from)) node.after.push_back(node_of_[owed.from]);
      }
    } else {
      node.after.push_back(node_of_[from]);
    }
  }

  void find_passed() {
    for (uint32_t number = 0; number < graph_.tasks().size(); ++number) {
      if (!is_passed(number)) continue;
      for (const TaskDependency& dependency : graph_.dependencies(number)) {
        if (task(dependency.from).key.kind == TaskKind::kSend) program_.passed.push_back({number, dependency.from});
      }
    }
  }

  // --- the order of issue ---

  Result<std::vector<uint32_t>> issue_order() {
    std::vector<std::vector<uint32_t>> next(nodes_.size());
    std::vector<uint32_t> missing(nodes_.size(), 0);
    const auto add_arc = [&](uint32_t from, uint32_t to) {
      next[from].push_back(to);
      ++missing[to];
    };
    for (const auto& stream : on_stream_) {
      for (size_t i = 1; i < stream.size(); ++i) add_arc(stream[i - 1], stream[i]);
    }
    for (uint32_t node = 0; node < nodes_.size(); ++node) {
      for (const uint32_t from : nodes_[node].after) add_arc(from, node);
    }
    using Start = std::pair<int64_t, uint32_t>;
    std::priority_queue<Start, std::vector<Start>, std::greater<>> ready;
    std::vector<int64_t> start_ns(nodes_.size(), 0);
    for (uint32_t node = 0; node < nodes_.size(); ++node) {
      if (missing[node] == 0) ready.emplace(0, node);
    }
    std::vector<uint32_t> order;
    while (!ready.empty()) {
      const auto [begin_ns, node] = ready.top();
      ready.pop();
      order.push_back(node);
      for (const uint32_t later : next[node]) {
        start_ns[later] = std::max(start_ns[later], begin_ns + nodes_[node].duration_ns);
        if (--missing[later] == 0) ready.emplace(start_ns[later], later);
      }
    }
    if (order.size() < nodes_.size()) return fail(ErrorCode::kDeadlock, cycle(missing));
    return order;
  }

  std::string cycle(const std::vector<uint32_t>& missing) const {
    const auto stuck = std::ranges::find_if(missing, [](uint32_t count) { return count > 0; });
    const Task& first = task(nodes_[stuck - missing.begin()].launch.tasks.front());
    return fmt::format(
        "launches wait for each other in a cycle, {} in slot {} of rank {} among them: p2p.receive_depth "
        "is too small for this order",
        component_name(first.key.component), first.key.slot, first.key.rank);
  }

  // --- ops ---

  // How many launches of each stream have ended: what is known at some point of a stream.
  using Clock = std::vector<uint32_t>;

  // Whether everything up to and with `node` has ended where `clock` holds.
  bool knows(const Clock& clock, uint32_t node) const { return clock[nodes_[node].launch.stream] > position_[node]; }
  static void learn(Clock& clock, const Clock& other) {
    for (size_t stream = 0; stream < clock.size(); ++stream) clock[stream] = std::max(clock[stream], other[stream]);
  }

  // Of `candidates` those that a stream that knows `clock` has to wait for, so that it knows all: the latest first,
  // since an earlier one can't have waited for them. Their knowledge is added to `clock`.
  std::vector<uint32_t> needed_waits(std::vector<uint32_t> candidates, Clock& clock) const {
    std::ranges::sort(candidates, std::ranges::greater(), [&](uint32_t node) { return issue_[node]; });
    std::vector<uint32_t> needed;
    for (const uint32_t candidate : candidates) {
      if (knows(clock, candidate)) continue;
      needed.push_back(candidate);
      learn(clock, end_clock_[candidate]);
    }
    return needed;
  }

  void emit(const std::vector<uint32_t>& order) {
    position_.assign(nodes_.size(), 0);
    issue_.assign(nodes_.size(), 0);
    end_clock_.assign(nodes_.size(), {});
    for (const auto& stream : on_stream_) {
      for (uint32_t i = 0; i < stream.size(); ++i) position_[stream[i]] = i;
    }
    for (uint32_t i = 0; i < order.size(); ++i) issue_[order[i]] = i;

    std::vector<Clock> clocks(on_stream_.size(), Clock(on_stream_.size(), 0));
    std::vector<std::vector<uint32_t>> waits(nodes_.size());
    for (const uint32_t node : order) {
      Clock& clock = clocks[nodes_[node].launch.stream];
      waits[node] = needed_waits(nodes_[node].after, clock);
      ++clock[nodes_[node].launch.stream];
      end_clock_[node] = clock;
    }
    Clock all(on_stream_.size(), 0);
    std::vector<uint32_t> last;
    for (const auto& stream : on_stream_) last.push_back(stream.back());
    write_ops(order, waits, needed_waits(last, all));
  }

  void write_ops(const std::vector<uint32_t>& order, const std::vector<std::vector<uint32_t>>& waits,
                 const std::vector<uint32_t>& last) {
    std::vector<uint32_t> event_of(nodes_.size(), kNone);
    const auto need_event = [&](uint32_t node) {
      if (event_of[node] == kNone) event_of[node] = program_.events++;
    };
    for (const auto& list : waits) std::ranges::for_each(list, need_event);
    std::ranges::for_each(last, need_event);

    auto& ops = program_.ops;
    ops.push_back({LaunchOp::Kind::kRecord, program_.origin(), 0});
    for (const uint32_t node : order) {
      const uint32_t stream = nodes_[node].launch.stream;
      if (position_[node] == 0 && waits[node].empty()) ops.push_back({LaunchOp::Kind::kWait, stream, 0});
      for (const uint32_t from : waits[node]) ops.push_back({LaunchOp::Kind::kWait, stream, event_of[from]});
      ops.push_back({LaunchOp::Kind::kLaunch, stream, static_cast<uint32_t>(program_.launches.size())});
      program_.launches.push_back(nodes_[node].launch);
      if (event_of[node] != kNone) ops.push_back({LaunchOp::Kind::kRecord, stream, event_of[node]});
    }
    for (const uint32_t node : last) ops.push_back({LaunchOp::Kind::kWait, program_.origin(), event_of[node]});
  }

  const TaskGraph& graph_;
  const LaunchRules& rules_;
  LaunchProgram program_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> node_of_;                 // [task]; kNone: no launch here
  std::vector<std::vector<uint32_t>> on_stream_;  // [stream] its nodes in order
  std::vector<uint32_t> position_;                // [node] on its stream
  std::vector<uint32_t> issue_;                   // [node] when it is issued
  std::vector<Clock> end_clock_;                  // [node] what is known when it has ended
};

}  // namespace

TaskGraph launch_graph(const Plan& plan) {
  StepRules rules = step_rules(plan.job);
  rules.receive_depth = plan.job.p2p.receive_depth;
  return lower(plan.schedule, plan.costs, rules);
}

std::vector<std::vector<uint32_t>> launch_groups(const Plan& plan, const TaskGraph& graph, int rank) {
  if (plan.job.p2p.mode != P2pMode::kBlocking) return {};
  using Key = std::tuple<int32_t, TaskKind, Direction>;  // slot of the rank
  std::map<Key, uint32_t> transfer_of;
  for (uint32_t number = 0; number < graph.tasks().size(); ++number) {
    const Task& task = graph.tasks()[number];
    if (task.key.rank == rank && task.lane == Lane::kP2p) {
      transfer_of[{task.key.slot, task.key.kind, task.direction}] = number;
    }
  }
  const MessageTable messages(plan.schedule);
  const Batches batches(plan.schedule, messages);
  const uint32_t first = plan.schedule.first_slot(rank);
  const uint32_t slots = plan.schedule.first_slot(rank + 1) - first;
  std::vector<std::vector<uint32_t>> groups;
  for (uint32_t position = 0; position <= slots; ++position) {
    std::vector<uint32_t> group;
    for (const uint32_t number : batches.messages(rank, position)) {
      const Message& message = messages.messages()[number];
      const Placement::Queue& queue = plan.schedule.placement().queues()[message.queue];
      const bool sends = queue.source == rank;
      const uint32_t slot = (sends ? message.producer : message.consumer) - first;
      group.push_back(
          transfer_of.at({static_cast<int32_t>(slot), sends ? TaskKind::kSend : TaskKind::kReceive, queue.direction}));
    }
    if (!group.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

Result<LaunchProgram> lower_launches(const TaskGraph& graph, const LaunchRules& rules) {
  PIPELOOM_THROW_UNLESS(rules.transfers == Transfers::kMessages || rules.groups.empty());
  return LaunchLowering(graph, rules).run();
}

}  // namespace pipeloom::backend
