#include "backend/runtime/executor.h"

#include <fmt/format.h>

#include <algorithm>

namespace pipeloom {

Status Executor::run_step() {
  reset();
  Status status = run_tasks();
  if (!status) endpoint_.abort(status.error());
  return status;
}

void Executor::reset() {
  queues_.assign(program_.queues(), Queue{});
  missing_.clear();
  for (const RankTask& task : program_.tasks()) missing_.push_back(task.dependencies);
  ended_ = 0;
  last_end_ns_ = steady_now_ns();
  spans_.clear();
  spans_.reserve(program_.tasks().size());
}

Status Executor::run_tasks() {
  while (ended_ < program_.tasks().size()) {
    PIPELOOM_TRY(const bool advanced, advance_queues());
    if (!advanced) PIPELOOM_CHECK_OK(wait());
  }
  return {};
}

// Returns whether a task started or ended. A computation takes its time here, so communication has its turn after each.
Result<bool> Executor::advance_queues() {
  bool advanced = false;
  for (int queue = 0; queue < program_.queues(); ++queue) {
    PIPELOOM_TRY(const bool this_one, advance(queue));
    advanced = advanced || this_one;
  }
  return advanced;
}

Result<bool> Executor::advance(int number) {
  Queue& queue = queues_[number];
  const auto tasks = program_.queue(number);
  if (queue.next == tasks.size()) return false;
  const uint32_t task = tasks[queue.next];
  const bool starts = !queue.started && missing_[task] == 0;
  if (!queue.started && !starts) return false;
  if (starts) {
    queue.started = true;
    queue.begin_ns = steady_now_ns();
    PIPELOOM_CHECK_OK(runner_.start(program_.tasks()[task]));
  }
  PIPELOOM_TRY(const Progress progress, runner_.poll(program_.tasks()[task]));
  if (progress.ended) {
    finish(number, task);
  } else {
    queue.ask_again_ns = progress.ask_again_ns;
  }
  return starts || progress.ended;
}

void Executor::finish(int number, uint32_t task) {
  Queue& queue = queues_[number];
  last_end_ns_ = steady_now_ns();
  spans_.push_back({program_.tasks()[task].task.key, program_.tasks()[task].task.lane, queue.begin_ns, last_end_ns_});
  ++queue.next;
  queue.started = false;
  ++ended_;
  for (const uint32_t dependent : program_.dependents(task)) --missing_[dependent];
}

// Until a message arrives or a task that only takes time is over.
Status Executor::wait() {
  if (const auto error = endpoint_.aborted()) return tl::unexpected<Error>(*error);
  const int64_t give_up_ns = last_end_ns_ + patience_ns_;
  if (steady_now_ns() >= give_up_ns) return tl::unexpected<Error>(hung());
  int64_t wake_ns = give_up_ns;
  for (const Queue& queue : queues_) {
    if (queue.started) wake_ns = std::min(wake_ns, queue.ask_again_ns);
  }
  endpoint_.wait_until(wake_ns);
  return {};
}

// Names what the rank's queues wait for; communication that has begun says most.
Error Executor::hung() const {
  std::string waiting;
  for (int number = 0; number < program_.queues(); ++number) {
    const Queue& queue = queues_[number];
    if (!queue.started) continue;
    const RankTask& task = program_.tasks()[program_.queue(number)[queue.next]];
    waiting += fmt::format("; {} waits for {}", describe(task), runner_.waits_for(task));
  }
  return {ErrorCode::kDeadlock, fmt::format("rank {}: nothing ended for {:.1f} s{}", endpoint_.rank(),
                                            static_cast<double>(patience_ns_) / 1e9, waiting)};
}

}  // namespace pipeloom
