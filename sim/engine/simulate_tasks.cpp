#include "sim/engine/simulate_tasks.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/base/check.h"
#include "sim/engine/event_tree.h"
#include "sim/engine/task_lanes.h"
#include "sim/engine/work_progress.h"

namespace pipeloom::sim {

namespace {

constexpr uint32_t kNone = TaskLanes::kNone;

// What the head of a queue does.
enum class Phase : uint8_t {
  kBlocked,    // a dependency has not ended, or the queue is at its end
  kInTransit,  // all dependencies have ended, and the last is on its way
  kGathering,  // a member of a collective waits for the others
  kRunning,
};

struct LaneState {
  WorkProgress progress;  // progress of the head while it runs
  uint32_t next = 0;      // the head's place in the queue
  Phase phase = Phase::kBlocked;
  bool touched = false;  // the head's rate may have changed
};

// What transfers ask of one GPU's links at the moment; kWholeLink is all that a link can carry.
struct LinkUse {
  std::array<LinkShare, 2> out = {0, 0};  // [NIC, NVLink]
  std::array<LinkShare, 2> in = {0, 0};

  LinkShare most() const { return std::max({out[0], out[1], in[0], in[1]}); }
};

enum class Use : uint8_t { kBegins, kEnds };

// Runs all tasks. A lane is a queue of one replica, a GPU a rank of one replica.
class Engine {
 public:
  Engine(const TaskGraph& graph, const TaskLoads& loads, const ReplicaRuns& replicas)
      : graph_(graph),
        loads_(loads),
        scale_(replicas.scale),
        replicas_(static_cast<uint32_t>(replicas.count)),
        tasks_(static_cast<uint32_t>(graph.tasks().size())),
        parts_(graph, replicas.count),
        lanes_(size_t{replicas_} * graph.queues()),
        links_(size_t{replicas_} * parts_.ranks()),
        arrived_(parts_.collectives(), 0),
        events_(std::max<uint32_t>(1, static_cast<uint32_t>(lanes_.size()))) {
    const size_t runs = size_t{replicas_} * tasks_;
    times_.start_ns.resize(runs);
    times_.end_ns.resize(runs);
    missing_.resize(runs);
    for (uint32_t replica = 0; replica < replicas_; ++replica) {
      std::copy(parts_.dependencies().begin(), parts_.dependencies().end(),
                missing_.begin() + size_t{replica} * tasks_);
    }
  }

  Result<TaskTimes> run() {
    for (uint32_t lane = 0; lane < lanes_.size(); ++lane) startable_.push_back(lane);
    start_what_can();
    while (events_.time_ns(events_.first()) != EventTree::kNever) {
      now_ns_ = events_.time_ns(events_.first());
      while (events_.time_ns(events_.first()) == now_ns_) ring(events_.first());
      start_what_can();
    }
    if (done_ < times_.end_ns.size()) {
      PIPELOOM_RETURN_IF_ERROR(graph_.topological_order());
      return fail(ErrorCode::kDeadlock, "members of collectives wait for each other in a cycle");
    }
    times_.makespan_ns = now_ns_;
    return std::move(times_);
  }

 private:
  uint32_t replica_of(uint32_t lane) const { return lane / graph_.queues(); }
  uint32_t queue_of(uint32_t lane) const { return lane % graph_.queues(); }
  uint32_t lane_of(uint32_t replica, uint32_t queue) const { return replica * graph_.queues() + queue; }
  bool at_end(uint32_t lane) const { return lanes_[lane].next == graph_.queue(queue_of(lane)).size(); }
  uint32_t head(uint32_t lane) const { return graph_.queue(queue_of(lane))[lanes_[lane].next]; }
  size_t run_of(uint32_t lane, uint32_t task) const { return size_t{replica_of(lane)} * tasks_ + task; }
  size_t gpu_of(uint32_t lane, int32_t rank) const {
    return size_t{replica_of(lane)} * parts_.ranks() + static_cast<size_t>(rank);
  }

  void ring(uint32_t lane) {
    events_.set(lane, EventTree::kNever);
    if (lanes_[lane].phase == Phase::kInTransit) {
      begin(lane);
    } else {
      use_links(lane, Use::kEnds);
      end(lane);
    }
  }

  // Starts all heads that can start, then updates the rates of running tasks.
  void start_what_can() {
    while (!startable_.empty()) {
      const uint32_t lane = startable_.back();
      startable_.pop_back();
      if (lanes_[lane].phase == Phase::kBlocked && !at_end(lane) && missing_[run_of(lane, head(lane))] == 0) {
        start(lane);
      }
    }
    for (const uint32_t lane : touched_) {
      LaneState& state = lanes_[lane];
      state.touched = false;
      if (state.phase != Phase::kRunning) continue;
      const auto [alone, beside] = rate_of(lane);
      state.progress.change_rate(now_ns_, alone, beside);
      events_.set(lane, state.progress.end_ns());
    }
    touched_.clear();
  }

  void start(uint32_t lane) {
    const uint32_t task = head(lane);
    int64_t ready_ns = now_ns_;
    if (parts_.has_delay(task)) {
      for (const TaskDependency& dependency : graph_.dependencies(task)) {
        ready_ns = std::max(ready_ns, times_.end_ns[run_of(lane, dependency.from)] + dependency.delay_ns);
      }
    }
    if (ready_ns == now_ns_) return begin(lane);
    lanes_[lane].phase = Phase::kInTransit;
    events_.set(lane, ready_ns);
  }

  // Lets the head take its lane.
  void begin(uint32_t lane) {
    const uint32_t task = head(lane);
    times_.start_ns[run_of(lane, task)] = now_ns_;
    const uint32_t collective = parts_.collective_of(task);
    if (collective == kNone) return run(lane);
    lanes_[lane].phase = Phase::kGathering;
    if (++arrived_[collective] < parts_.members(collective)) return touch_compute(lane);
    for (uint32_t replica = 0; replica < replicas_; ++replica) {
      for (const uint32_t queue : parts_.queues_of(collective)) run(lane_of(replica, queue));
    }
  }

  void run(uint32_t lane) {
    const uint32_t task = head(lane);
    const TaskLoad& load = loads_.of(task);
    Work work = whole_work(load.alone_ns);
    if (!scale_.empty()) work = work * scale_[run_of(lane, task)] / ReplicaRuns::kUnscaled;
    lanes_[lane].phase = Phase::kRunning;
    if (work == 0) return end(lane);
    lanes_[lane].progress = {now_ns_, work};
    touch(lane);
    use_links(lane, Use::kBegins);
    touch_compute(lane);
  }

  void end(uint32_t lane) {
    const uint32_t task = head(lane);
    const size_t run = run_of(lane, task);
    times_.end_ns[run] = now_ns_;
    ++done_;
    lanes_[lane].phase = Phase::kBlocked;
    ++lanes_[lane].next;
    touch_compute(lane);
    startable_.push_back(lane);
    const size_t first = run - task;
    for (const uint32_t dependent : parts_.dependents(task)) {
      if (--missing_[first + dependent] == 0) {
        startable_.push_back(lane_of(replica_of(lane), graph_.tasks()[dependent].queue));
      }
    }
  }

  // --- rates ---

  void touch(uint32_t lane) {
    if (lanes_[lane].touched) return;
    lanes_[lane].touched = true;
    touched_.push_back(lane);
  }

  // Marks the compute lane of a GPU, whose rate a kernel on `lane` may change.
  void touch_compute(uint32_t lane) {
    const TaskLanes::Rank& rank = parts_.rank(parts_.rank_of(queue_of(lane)));
    const uint32_t queue = queue_of(lane);
    if (queue != rank.ep && queue != rank.dp) return;
    if (rank.compute != kNone) touch(lane_of(replica_of(lane), rank.compute));
  }

  // Returns the rate of a running lane's head as (time alone, time now) for the same work, in any unit.
  std::pair<int64_t, int64_t> rate_of(uint32_t lane) const {
    const uint32_t queue = queue_of(lane);
    const TaskLanes::Rank& rank = parts_.rank(parts_.rank_of(queue));
    if (queue != rank.compute) return {kWholeLink, std::max<int64_t>(kWholeLink, busiest_link(lane))};
    const TaskLoad& load = loads_.of(head(lane));
    int64_t beside_ns = load.alone_ns;
    for (const uint32_t other : {rank.ep, rank.dp}) {
      if (other != kNone) beside_ns = std::max(beside_ns, beside(load, lane_of(replica_of(lane), other)));
    }
    return {load.alone_ns, beside_ns};
  }

  int64_t beside(const TaskLoad& load, uint32_t lane) const {
    switch (lanes_[lane].phase) {
      case Phase::kGathering:
        return load.beside_waiting_ns;
      case Phase::kRunning:
        return load.beside_ns[static_cast<size_t>(loads_.of(head(lane)).kernel)];
      default:
        return load.alone_ns;
    }
  }

  // Returns the GPU that a transfer leaves and the one that it enters.
  std::pair<size_t, size_t> ends_of(uint32_t lane) const {
    const Task& task = graph_.tasks()[head(lane)];
    const size_t own = gpu_of(lane, task.key.rank);
    return {own, task.key.kind == TaskKind::kSend ? gpu_of(lane, task.peer) : own};
  }

  LinkShare busiest_link(uint32_t lane) const {
    const TaskLoad& load = loads_.of(head(lane));
    const auto [source, target] = ends_of(lane);
    LinkShare most = 0;
    if (load.nic > 0) most = std::max({most, links_[source].out[0], links_[target].in[0]});
    if (load.nvlink > 0) most = std::max({most, links_[source].out[1], links_[target].in[1]});
    return most;
  }

  void use_links(uint32_t lane, Use use) {
    const TaskLoad& load = loads_.of(head(lane));
    if (load.nic == 0 && load.nvlink == 0) return;
    const auto [source, target] = ends_of(lane);
    const LinkShare before = std::max(links_[source].most(), links_[target].most());
    for (std::array<LinkShare, 2>* link : {&links_[source].out, &links_[target].in}) {
      const LinkShare shares[] = {load.nic, load.nvlink};
      for (size_t kind = 0; kind < link->size(); ++kind) {
        (*link)[kind] = use == Use::kBegins ? (*link)[kind] + shares[kind] : (*link)[kind] - shares[kind];
      }
    }
    // As long as the links carry everything, no rate changes.
    if (std::max({before, links_[source].most(), links_[target].most()}) <= kWholeLink) return;
    touch_transfers(lane, graph_.tasks()[head(lane)].key.rank);
    if (target != source) touch_transfers(lane, graph_.tasks()[head(lane)].peer);
  }

  void touch_transfers(uint32_t lane, int32_t rank) {
    for (const uint32_t queue : parts_.transfers_at(rank)) touch(lane_of(replica_of(lane), queue));
  }

  const TaskGraph& graph_;
  const TaskLoads& loads_;
  std::span<const uint32_t> scale_;
  uint32_t replicas_;
  uint32_t tasks_;
  TaskLanes parts_;
  std::vector<LaneState> lanes_;
  std::vector<LinkUse> links_;       // [replica][rank]
  std::vector<uint32_t> arrived_;    // [collective]
  std::vector<uint16_t> missing_;    // [replica][task] dependencies that have not ended
  std::vector<uint32_t> startable_;  // lanes whose head may be able to start
  std::vector<uint32_t> touched_;
  EventTree events_;
  int64_t now_ns_ = 0;
  size_t done_ = 0;
  TaskTimes times_;
};

}  // namespace

Result<TaskTimes> simulate_tasks(const TaskGraph& graph, const TaskLoads& loads, const ReplicaRuns& replicas) {
  return Engine(graph, loads, replicas).run();
}

}  // namespace pipeloom::sim
