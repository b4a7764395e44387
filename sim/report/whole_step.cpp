#include "sim/report/whole_step.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/tasks/lower.h"
#include "sim/cost/lowered_loads.h"
#include "sim/engine/simulate_tasks.h"
#include "sim/robust/task_scatter.h"

namespace pipeloom::sim {

namespace {

struct Interval {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
};

// Returns how long intervals of `a` and of `b` run at once. REQUIRES: each list is in order.
int64_t common_ns(const std::vector<Interval>& a, const std::vector<Interval>& b) {
  int64_t sum_ns = 0;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    sum_ns += std::max<int64_t>(0, std::min(a[i].end_ns, b[j].end_ns) - std::max(a[i].begin_ns, b[j].begin_ns));
    (a[i].end_ns < b[j].end_ns ? i : j) += 1;
  }
  return sum_ns;
}

class Accounts {
 public:
  Accounts(const TaskGraph& graph, const TaskLoads& loads, const TaskTimes& times, const ReplicaRuns& replicas)
      : graph_(graph), loads_(loads), times_(times), replicas_(replicas) {}

  std::vector<LaneUse> run(int ranks) const {
    std::vector<LaneUse> sums(ranks);
    for (int replica = 0; replica < replicas_.count; ++replica) {
      std::vector<std::vector<Interval>> compute(ranks);
      std::vector<std::vector<Interval>> exchange(ranks);
      for (uint32_t queue = 0; queue < graph_.queues(); ++queue) {
        for (const uint32_t task : graph_.queue(queue)) add(replica, task, sums, compute, exchange);
      }
      for (int rank = 0; rank < ranks; ++rank) sums[rank].hidden_ns += common_ns(compute[rank], exchange[rank]);
    }
    for (LaneUse& sum : sums) {
      for (int64_t* ns :
           {&sum.compute_ns, &sum.slowed_ns, &sum.exchange_ns, &sum.hidden_ns, &sum.peers_ns, &sum.links_ns}) {
        *ns /= replicas_.count;
      }
    }
    return sums;
  }

 private:
  size_t run_of(int replica, uint32_t task) const { return size_t(replica) * graph_.tasks().size() + task; }

  int64_t alone_ns(size_t run, uint32_t task) const {
    const int64_t ns = loads_.of(task).alone_ns;
    if (replicas_.scale.empty()) return ns;
    return (ns * replicas_.scale[run] + ReplicaRuns::kUnscaled - 1) / ReplicaRuns::kUnscaled;
  }

  // Returns when the payload of an all-to-all starts: when its last member is there.
  int64_t payload_ns(uint32_t task) const {
    int64_t last_ns = 0;
    for (int replica = 0; replica < replicas_.count; ++replica) {
      last_ns = std::max(last_ns, times_.start_ns[run_of(replica, task)]);
    }
    return last_ns;
  }

  void add(int replica, uint32_t number, std::vector<LaneUse>& sums, std::vector<std::vector<Interval>>& compute,
           std::vector<std::vector<Interval>>& exchange) const {
    const Task& task = graph_.tasks()[number];
    const size_t run = run_of(replica, number);
    const Interval interval = {times_.start_ns[run], times_.end_ns[run]};
    const int64_t lasted_ns = interval.end_ns - interval.begin_ns;
    LaneUse& sum = sums[task.key.rank];
    if (task.key.kind == TaskKind::kSend) {
      sum.links_ns += lasted_ns - alone_ns(run, number);
    } else if (task.key.kind == TaskKind::kComponent && task.lane == Lane::kCompute) {
      sum.compute_ns += lasted_ns;
      sum.slowed_ns += lasted_ns - alone_ns(run, number);
      compute[task.key.rank].push_back(interval);
    } else if (task.lane == Lane::kEp) {
      const int64_t waited_ns = payload_ns(number) - interval.begin_ns;
      sum.exchange_ns += lasted_ns;
      sum.peers_ns += waited_ns;
      sum.links_ns += lasted_ns - waited_ns - alone_ns(run, number);
      exchange[task.key.rank].push_back(interval);
    }
  }

  const TaskGraph& graph_;
  const TaskLoads& loads_;
  const TaskTimes& times_;
  const ReplicaRuns& replicas_;
};

}  // namespace

Result<WholeStep> simulate_whole_step(const Job& job, const Schedule& schedule, const StepCosts& costs,
                                      const WholeStepOptions& options) {
  if (options.expert_ranks < 1 || job.layout.expert % options.expert_ranks != 0) {
    return invalid(fmt::format("expert ranks: {} is not allowed; it must divide layout.expert ({})",
                               options.expert_ranks, job.layout.expert));
  }
  StepRules rules = step_rules(job);
  rules.receive_depth = job.p2p.receive_depth;
  const TaskGraph graph = lower(schedule, costs, rules);
  const TaskLoads loads = task_loads(job, schedule, costs, graph);
  const std::vector<uint32_t> scale = task_scatter(job, schedule, graph, options.expert_ranks, options.seed, 0);
  const ReplicaRuns replicas = {options.expert_ranks, scale};
  PIPELOOM_TRY(const TaskTimes times, simulate_tasks(graph, loads, replicas));
  return WholeStep{times.makespan_ns, static_cast<int64_t>(times.start_ns.size()),
                   Accounts(graph, loads, times, replicas).run(schedule.ranks())};
}

}  // namespace pipeloom::sim
