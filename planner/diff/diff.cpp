#include "planner/diff/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "core/lowering/lower.h"
#include "sim/engine/task_sweep.h"

namespace pipeloom {

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
      return "norm";
  }
  return "task";
}

// The least value that this share of the values does not exceed. REQUIRES: not empty.
int64_t quantile(std::vector<int64_t>& values, double share) {
  const auto last = static_cast<double>(values.size() - 1);
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(share * last + 0.5);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

// To look tasks up by.
auto order_of(const TaskKey& key) {
  return std::tuple(key.rank, key.slot, key.layer, key.component, key.pass, key.kind);
}

struct Times {
  std::vector<int64_t> predicted_ns;
  std::vector<int64_t> executed_ns;
};

}  // namespace

Result<PlanDiff> diff(const Plan& plan, const Trace& trace) {
  if (trace.plan_digest != 0 && trace.plan_digest != plan.task_digest) {
    return invalid("the trace is of another plan: its tasks are not this plan's");
  }
  const TaskGraph graph = lower(plan);
  PIPELOOM_TRY(const TaskTimes predicted, sweep_tasks(graph));
  std::map<decltype(order_of({})), uint32_t> numbers;
  for (uint32_t task = 0; task < graph.tasks().size(); ++task) numbers[order_of(graph.tasks()[task].key)] = task;

  PlanDiff result;
  result.ranks.resize(plan.schedule.ranks());
  result.predicted_step_ns = predicted.makespan_ns;
  std::map<std::string, Times> kinds;
  for (uint32_t number = 0; number < graph.tasks().size(); ++number) {
    const Task& task = graph.tasks()[number];
    RankDiff& rank = result.ranks[task.key.rank];
    if (task.lane == Lane::kCompute) rank.predicted_busy_ns += task.duration_ns;
    rank.predicted_end_ns = std::max(rank.predicted_end_ns, predicted.end_ns[number]);
  }
  std::vector<int> seen(graph.tasks().size(), 0);
  for (const Span& span : trace.spans) {
    const auto found = numbers.find(order_of(span.key));
    if (found == numbers.end()) {
      return invalid(fmt::format("the trace has {} in slot {} of rank {}, which the plan has not", kind_of(span.key),
                                 span.key.slot, span.key.rank));
    }
    ++seen[found->second];
    Times& times = kinds[kind_of(span.key)];
    times.predicted_ns.push_back(graph.tasks()[found->second].duration_ns);
    times.executed_ns.push_back(span.end_ns - span.begin_ns);
    RankDiff& rank = result.ranks[span.key.rank];
    if (span.lane == Lane::kCompute) rank.executed_busy_ns += span.end_ns - span.begin_ns;
    rank.executed_end_ns = std::max(rank.executed_end_ns, span.end_ns);
    result.executed_step_ns = std::max(result.executed_step_ns, span.end_ns);
  }
  result.missing = std::count(seen.begin(), seen.end(), 0);
  for (auto& [kind, times] : kinds) {
    result.kinds.push_back({kind, static_cast<int64_t>(times.executed_ns.size()), quantile(times.predicted_ns, 0.5),
                            quantile(times.executed_ns, 0.5), quantile(times.executed_ns, 0.95)});
  }
  return result;
}

std::vector<MeasuredLayer> measured_layers_of(const Plan& plan, const std::vector<Trace>& traces) {
  std::map<std::tuple<int, Component, SlotKind>, std::vector<int64_t>> times;
  for (const Trace& trace : traces) {
    for (const Span& span : trace.spans) {
      if (span.key.kind != TaskKind::kComponent) continue;
      times[{span.key.layer, span.key.component, span.key.pass}].push_back(span.end_ns - span.begin_ns);
    }
  }
  const int layers = plan.job.model ? plan.job.model->layers : 0;
  std::map<int, MeasuredLayer> measured;
  for (auto& [part, values] : times) {
    const auto [number, component, pass] = part;
    if (number > layers) continue;  // MTP modules
    MeasuredLayer& layer = measured[number];
    layer.layer = number;
    int64_t& pass_ns = pass == SlotKind::kF ? layer.f_ns : pass == SlotKind::kI ? layer.i_ns : layer.w_ns;
    pass_ns += quantile(values, 0.5);
  }
  std::vector<MeasuredLayer> rows;
  for (const auto& [number, layer] : measured) rows.push_back(layer);
  return rows;
}

}  // namespace pipeloom
