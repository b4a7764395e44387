#include "backend/runtime/program/executor.h"

#include <fmt/format.h>

#include <algorithm>

namespace pipeloom::backend {

namespace {

// A rank that waits is this much more patient than one that works, so that the one that is stuck is named.
int64_t patience_of_waiting(int64_t patience_ns) {
  return patience_ns + std::min<int64_t>(patience_ns / 5, 1'000'000'000);
}

}  // namespace

Status Executor::run_step() {
  reset();
  Status status = run_tasks();
  heartbeat_.waits();
  if (!status) endpoint_.abort(status.error());
  return status;
}

void Executor::reset() {
  last_end_ns_ = steady_now_ns();
  queues_.assign(program_.queues(), Queue{});
  for (Queue& queue : queues_) queue.issue_ns = last_end_ns_;
  inputs_.clear();
  for (const RankTask& task : program_.tasks()) inputs_.push_back({.missing = task.dependencies});
  ended_ = 0;
  spans_.clear();
  spans_.reserve(program_.tasks().size());
}

Status Executor::run_tasks() {
  while (ended_ < program_.tasks().size()) {
    PIPELOOM_TRY(const bool advanced, advance_queues());
    if (!advanced) PIPELOOM_RETURN_IF_ERROR(wait());
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
  if (!queue.started && inputs_[task].missing > 0) return false;
  const int64_t now_ns = steady_now_ns();
  const bool starts = !queue.started;
  if (starts && now_ns < inputs_[task].ready_ns) {
    queue.ask_again_ns = inputs_[task].ready_ns;
    return false;
  }
  heartbeat_.works_on(program_.tasks()[task], now_ns);
  if (starts) PIPELOOM_RETURN_IF_ERROR(begin(queue, task, now_ns));
  PIPELOOM_TRY(const Progress progress, runner_.poll(program_.tasks()[task]));
  note_wait(queue, progress.wait, starts ? steady_now_ns() : now_ns);
  if (progress.ended) {
    finish(number, task, progress.bytes);
  } else {
    queue.ask_again_ns = progress.ask_again_ns;
  }
  return starts || progress.ended;
}

Status Executor::begin(Queue& queue, uint32_t task, int64_t now_ns) {
  queue.started = true;
  queue.begin_ns = now_ns;
  const Inputs& inputs = inputs_[task];
  const bool was_ready = inputs.last == UINT32_MAX || inputs.ready_ns <= queue.issue_ns;
  if (!was_ready) {
    queue.wait.kind = WaitKind::kTask;
    queue.wait.task = program_.tasks()[inputs.last].task.key;
  }
  return runner_.start(program_.tasks()[task]);
}

// The wait of a task lasts from the first time that it is asked for in vain until it is asked for with success: what is
// computed in between is computed while it waits.
void Executor::note_wait(Queue& queue, const Wait& wait, int64_t now_ns) {
  if (wait.kind != WaitKind::kNone) {
    queue.wait = wait;
    if (queue.waits_since_ns == 0) queue.waits_since_ns = now_ns;
  } else if (queue.waits_since_ns != 0) {
    queue.waited_ns += now_ns - queue.waits_since_ns;
    queue.waits_since_ns = 0;
  }
}

void Executor::finish(int number, uint32_t task, int64_t bytes) {
  Queue& queue = queues_[number];
  last_end_ns_ = steady_now_ns();
  const Task& ended = program_.tasks()[task].task;
  spans_.push_back({ended.key, ended.lane, queue.begin_ns, last_end_ns_, 0, queue.begin_ns - queue.issue_ns,
                    queue.waited_ns, bytes, queue.wait});
  queue = {.next = queue.next + 1, .issue_ns = last_end_ns_};
  ++ended_;
  for (const RankProgram::Dependent& dependent : program_.dependents(task)) {
    Inputs& inputs = inputs_[dependent.task];
    --inputs.missing;
    const int64_t ready_ns = last_end_ns_ + dependent.delay_ns;
    if (ready_ns < inputs.ready_ns) continue;
    inputs.ready_ns = ready_ns;
    inputs.last = task;
  }
}

// Until a message arrives or a task that only takes time is over.
Status Executor::wait() {
  heartbeat_.waits();
  if (const auto error = endpoint_.aborted()) return tl::unexpected<Error>(*error);
  const int64_t give_up_ns = last_end_ns_ + patience_of_waiting(patience_ns_);
  if (steady_now_ns() >= give_up_ns) return tl::unexpected<Error>(hung());
  int64_t wake_ns = give_up_ns;
  for (const Queue& queue : queues_) wake_ns = std::min(wake_ns, queue.ask_again_ns);
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

}  // namespace pipeloom::backend
