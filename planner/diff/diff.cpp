#include "planner/diff/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "core/tasks/lower.h"
#include "planner/diff/overlap.h"
#include "sim/engine/task_sweep.h"

namespace pipeloom::planner {

namespace {

std::string kind_of(const TaskKey& key) {
  switch (key.kind) {
    case TaskKind::kComponent:
      return fmt::format("{} {}", component_name(key.component), slot_kind_name(key.pass));
    case TaskKind::kSend:
      return "send";
    case TaskKind::kReceive:
      return "receive";
    case TaskKind::kGradientReduction:
      return "gradient reduction";
    case TaskKind::kOptimizer:
      return "optimizer";
    case TaskKind::kNorm:
      return "gradient norm";
    case TaskKind::kEma:
      return "moving average";
  }
  return "task";
}

// Returns the least value that this share of the values does not exceed. REQUIRES: not empty.
int64_t quantile(std::vector<int64_t>& values, double share) {
  const auto last = static_cast<double>(values.size() - 1);
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(share * last + 0.5);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

// Returns a key to look tasks up by.
auto order_of(const TaskKey& key) {
  return std::tuple(key.rank, key.slot, key.layer, key.component, key.pass, key.kind);
}

struct TaskTimes {
  std::vector<int64_t> predicted_ns;
  std::vector<int64_t> executed_ns;
};
using KindTimes = std::map<std::string, TaskTimes>;

std::vector<KindDiff> kinds_of(KindTimes& kinds) {
  std::vector<KindDiff> rows;
  for (auto& [kind, times] : kinds) {
    rows.push_back({kind, static_cast<int64_t>(times.executed_ns.size()), quantile(times.predicted_ns, 0.5),
                    quantile(times.predicted_ns, 0.95), quantile(times.executed_ns, 0.5),
                    quantile(times.executed_ns, 0.95)});
  }
  return rows;
}

// Intervals of one rank's compute and ep lanes, and the waits of its optimizer.
struct Lanes {
  std::vector<Interval> compute;
  std::vector<Interval> exchange;
  int64_t end_ns = 0;
  int64_t average_end_ns = 0;
  int64_t optimizer_ns = INT64_MAX;
  std::vector<Interval> other_tasks = {};  // all but the optimizer and the moving average

  void add(const TaskKey& key, Lane lane, const Interval& interval, int64_t begin_of_work_ns) {
    end_ns = std::max(end_ns, interval.end_ns);
    if (lane == Lane::kCompute) compute.push_back({begin_of_work_ns, interval.end_ns});
    if (lane == Lane::kEp) exchange.push_back(interval);
    if (key.kind == TaskKind::kEma) {
      average_end_ns = interval.end_ns;
    } else if (key.kind == TaskKind::kOptimizer) {
      optimizer_ns = interval.begin_ns;
    } else {
      other_tasks.push_back(interval);
    }
  }

  int64_t average_wait_ns() const {
    int64_t before_ns = 0;
    for (const Interval& other : other_tasks) {
      if (other.begin_ns < optimizer_ns) before_ns = std::max(before_ns, std::min(other.end_ns, optimizer_ns));
    }
    return std::max<int64_t>(0, average_end_ns - before_ns);
  }

  RankTimes times() const {
    const auto sum = [](const std::vector<Interval>& intervals) {
      int64_t sum_ns = 0;
      for (const Interval& interval : intervals) sum_ns += interval.end_ns - interval.begin_ns;
      return sum_ns;
    };
    return {sum(compute), end_ns, sum(exchange), covered_ns(exchange, compute), average_wait_ns()};
  }
};

// What one rank of one replica did, beside what the plan says.
struct RankTrace {
  Lanes lanes;
  KindTimes kinds;
  int64_t tasks = 0;
};

class Comparison {
 public:
  Comparison(const TaskGraph& graph, const sim::TaskTimes& predicted, int ranks) : graph_(graph), predicted_(ranks) {
    std::vector<Lanes> lanes(ranks);
    for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
      const Task& planned = graph.tasks()[task];
      numbers_[order_of(planned.key)] = task;
      lanes[planned.key.rank].add(planned.key, planned.lane, {predicted.start_ns[task], predicted.end_ns[task]},
                                  predicted.start_ns[task]);
    }
    for (int rank = 0; rank < ranks; ++rank) predicted_[rank] = lanes[rank].times();
  }

  Status add(const Span& span) {
    const auto found = numbers_.find(order_of(span.key));
    if (found == numbers_.end()) {
      return invalid(fmt::format("the trace has {} in slot {} of rank {}, which the plan does not have",
                                 kind_of(span.key), span.key.slot, span.key.rank));
    }
    RankTrace& rank = executed_[{span.replica, span.key.rank}];
    for (KindTimes* kinds : {&kinds_, &rank.kinds}) {
      TaskTimes& times = (*kinds)[kind_of(span.key)];
      times.predicted_ns.push_back(graph_.tasks()[found->second].duration_ns);
      times.executed_ns.push_back(span.work_ns());
    }
    rank.lanes.add(span.key, span.lane, {span.begin_ns, span.end_ns}, span.begin_ns + span.waited_ns);
    seen_.insert({span.replica, found->second});
    replicas_.insert(span.replica);
    return {};
  }

  PlanDiff result() {
    PlanDiff result;
    result.kinds = kinds_of(kinds_);
    for (auto& [place, rank] : executed_) {
      const auto [replica, number] = place;
      result.ranks.push_back({replica, number, predicted_[number], rank.lanes.times(), kinds_of(rank.kinds)});
      result.executed_step_ns = std::max(result.executed_step_ns, rank.lanes.end_ns);
    }
    const size_t replicas = std::max<size_t>(replicas_.size(), 1);
    result.missing = static_cast<int64_t>(replicas * graph_.tasks().size() - seen_.size());
    return result;
  }

 private:
  const TaskGraph& graph_;
  std::map<decltype(order_of({})), uint32_t> numbers_;
  std::vector<RankTimes> predicted_;                   // [rank]
  std::map<std::pair<int, int>, RankTrace> executed_;  // [replica, rank]
  KindTimes kinds_;
  std::set<std::pair<int, uint32_t>> seen_;  // replica and task
  std::set<int> replicas_;
};

}  // namespace

double RankTimes::overlap() const {
  return exchange_ns == 0 ? 0 : static_cast<double>(overlapped_ns) / static_cast<double>(exchange_ns);
}

double RankTimes::bubble(int64_t step_ns) const {
  return step_ns == 0 ? 0 : 1 - static_cast<double>(busy_ns) / static_cast<double>(step_ns);
}

Result<PlanDiff> diff(const Plan& plan, const Trace& trace) {
  if (trace.plan_digest != 0 && trace.plan_digest != plan.task_digest) {
    return invalid("the trace is of another plan: its tasks are not this plan's");
  }
  const TaskGraph graph = lower(plan);
  PIPELOOM_TRY(const sim::TaskTimes predicted, sim::sweep_tasks(graph));
  Comparison comparison(graph, predicted, plan.schedule.ranks());
  for (const Span& span : trace.spans) PIPELOOM_RETURN_IF_ERROR(comparison.add(span));
  PlanDiff result = comparison.result();
  result.predicted_step_ns = predicted.makespan_ns;
  result.clock_error_ns = trace.clock_error_ns;
  return result;
}

std::vector<MeasuredLayer> measured_layers_of(const Plan& plan, const std::vector<Trace>& traces) {
  std::map<std::tuple<int, Component, SlotKind>, std::vector<int64_t>> times;
  for (const Trace& trace : traces) {
    for (const Span& span : trace.spans) {
      if (span.key.kind != TaskKind::kComponent) continue;
      times[{span.key.layer, span.key.component, span.key.pass}].push_back(span.work_ns());
    }
  }
  const int layers = plan.job.model ? plan.job.model->layers : 0;
  std::map<std::pair<int, Component>, MeasuredLayer> measured;
  for (auto& [part, values] : times) {
    const auto [layer, component, pass] = part;
    // Layers above `layers` are MTP modules.
    if (layer > layers || component == Component::kStage || component == Component::kWait) continue;
    MeasuredLayer& row = measured[{layer, component}];
    row.layer = layer;
    row.component = component;
    (pass == SlotKind::kF ? row.f_ns : pass == SlotKind::kI ? row.i_ns : row.w_ns) = quantile(values, 0.5);
  }
  std::vector<MeasuredLayer> rows;
  for (const auto& [part, row] : measured) rows.push_back(row);
  return rows;
}

}  // namespace pipeloom::planner
