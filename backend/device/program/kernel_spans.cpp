#include "backend/device/program/kernel_spans.h"

#include <algorithm>
#include <tuple>

namespace pipeloom::backend {

namespace {

struct Time {
  int64_t begin_ns = INT64_MAX;
  int64_t end_ns = INT64_MIN;

  bool known() const { return begin_ns <= end_ns; }
};

// [task] the task before it on its queue, or UINT32_MAX.
std::vector<uint32_t> tasks_before(const TaskGraph& graph) {
  std::vector<uint32_t> before(graph.tasks().size(), UINT32_MAX);
  for (uint32_t queue = 0; queue < graph.queues(); ++queue) {
    const auto tasks = graph.queue(queue);
    for (size_t i = 1; i < tasks.size(); ++i) before[tasks[i]] = tasks[i - 1];
  }
  return before;
}

std::vector<Time> measured_times(const LaunchProgram& program, size_t tasks, std::span<const KernelRecord> records,
                                 int64_t step_begin_ns) {
  std::vector<Time> times(tasks);
  for (const KernelRecord& record : records) {
    Time& time = times[record.task];
    time.begin_ns = std::min(time.begin_ns, record.begin_ns - step_begin_ns);
    time.end_ns = std::max(time.end_ns, record.end_ns - step_begin_ns);
  }
  for (const Launch& launch : program.launches) {
    for (const uint32_t member : launch.tasks) {
      if (launch.tasks.size() > 1) times[member] = times[launch.tasks.front()];
    }
  }
  return times;
}

}  // namespace

std::vector<Span> spans_of_kernels(const TaskGraph& graph, const LaunchProgram& program,
                                   std::span<const KernelRecord> records, int64_t step_begin_ns, int replica) {
  const std::vector<uint32_t> before = tasks_before(graph);
  std::vector<Time> times = measured_times(program, graph.tasks().size(), records, step_begin_ns);
  std::vector<uint32_t> launched;
  for (const Launch& launch : program.launches) {
    launched.insert(launched.end(), launch.tasks.begin(), launch.tasks.end());
  }
  std::vector<std::vector<uint32_t>> passed_with(graph.tasks().size());
  for (const PassedTask& passed : program.passed) passed_with[passed.ends_with].push_back(passed.task);

  std::vector<Span> spans;
  const auto end_of = [&](uint32_t task) { return times[task].known() ? times[task].end_ns : 0; };
  const auto add = [&](uint32_t number) {
    const Task& task = graph.tasks()[number];
    const int64_t issue_ns = before[number] == UINT32_MAX ? 0 : std::max<int64_t>(0, end_of(before[number]));
    Span span{.key = task.key, .lane = task.lane, .replica = replica, .bytes = task.bytes};
    int64_t ready_ns = issue_ns;
    for (const TaskDependency& dependency : graph.dependencies(number)) {
      const Task& source = graph.tasks()[dependency.from];
      if (end_of(dependency.from) <= ready_ns) continue;
      ready_ns = end_of(dependency.from);
      span.wait = source.key.rank == task.key.rank ? Wait{WaitKind::kTask, source.key, 0}
                                                   : Wait{WaitKind::kMessage, {}, source.key.rank};
    }
    Time& time = times[number];
    if (!time.known()) time = {ready_ns, ready_ns};
    span.begin_ns = time.begin_ns;
    span.end_ns = time.end_ns;
    span.queued_ns = std::max<int64_t>(0, span.begin_ns - issue_ns);
    spans.push_back(span);
  };
  for (const uint32_t number : launched) {
    add(number);
    for (const uint32_t passed : passed_with[number]) add(passed);
  }
  const auto order = [&](const Span& span) { return std::tuple(span.key.rank, span.begin_ns, span.end_ns, span.lane); };
  std::ranges::stable_sort(spans, {}, order);
  return spans;
}

}  // namespace pipeloom::backend
