#include "backend/runtime/paced/paced_runner.h"

#include <algorithm>

#include "backend/runtime/messages/waits.h"
#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

Channel channel_of(const RankTask& task) {
  return task.task.direction == Direction::kForward ? Channel::kForward : Channel::kBackward;
}

}  // namespace

void PacedRunner::begin_step(int64_t step) {
  PIPELOOM_THROW_UNLESS(running_.empty());
  step_ = step;
  credits_.begin_step(step);
}

// Of a reduction the ranks that hold a copy of the stage, of a norm all ranks.
void PacedRunner::expect_members(const RankTask& task, Gather& gather) {
  const Placement& placement = plan_.schedule.placement();
  const bool all = task.task.key.kind == TaskKind::kNorm;
  const int members = all ? placement.ranks() : placement.pipes();
  for (int number = 0; number < members; ++number) {
    const int member = all ? number : placement.rank_of(number, task.stage);
    if (member == endpoint_.rank()) continue;
    endpoint_.send(member, Channel::kReduction, {hand_over_tag(task, step_), 0, {}});
    gather.expect(member, Channel::kReduction, hand_over_tag(task, step_));
  }
}

Status PacedRunner::start(const RankTask& task) {
  Running& running = running_[task.number];
  switch (task.task.key.kind) {
    case TaskKind::kComponent:
    case TaskKind::kOptimizer:
    case TaskKind::kEma:
      running.end_ns = steady_now_ns() + durations_ns_[task.number];
      break;
    case TaskKind::kSend:
      credits_.await(task, running.gather);
      break;
    case TaskKind::kReceive:
      running.gather.expect(task.task.peer, channel_of(task), hand_over_tag(task, step_));
      credits_.receive_begins(task);
      break;
    case TaskKind::kGradientReduction:
    case TaskKind::kNorm:
      expect_members(task, running.gather);
      break;
  }
  return {};
}

// A receive ends when its message may be had; a reduction lasts its time from when the last member is there, a send
// from when there is a buffer for it.
int64_t PacedRunner::end_after_messages(const RankTask& task, Gather& gather) const {
  if (task.task.key.kind != TaskKind::kReceive) return steady_now_ns() + durations_ns_[task.number];
  int64_t ready_ns = 0;
  for (size_t i = 0; i < gather.size(); ++i) ready_ns = std::max(ready_ns, gather.message(i).ready_ns);
  return ready_ns - rank_0_ahead_ns_;
}

void PacedRunner::deliver(const RankTask& task) {
  const int64_t latency_ns = plan_.costs.schedule.link(endpoint_.rank(), task.task.peer).latency_ns;
  const int64_t ready_ns = steady_now_ns() + rank_0_ahead_ns_ + latency_ns;
  endpoint_.send(task.task.peer, channel_of(task), {hand_over_tag(task, step_), ready_ns, {}});
}

Result<Progress> PacedRunner::poll(const RankTask& task) {
  Running& running = running_.at(task.number);
  if (running.end_ns == 0) {
    PIPELOOM_TRY(const bool all, running.gather.poll(endpoint_));
    if (!all) return Progress::until_message(wait_of(task, running.gather));
    running.end_ns = end_after_messages(task, running.gather);
  }
  if (steady_now_ns() < running.end_ns) return Progress::until(running.end_ns);
  if (task.task.key.kind == TaskKind::kSend) deliver(task);
  if (task.task.key.kind == TaskKind::kComponent) credits_.component_ended(task);
  running_.erase(task.number);
  return Progress::done(task.task.bytes);
}

std::string PacedRunner::waits_for(const RankTask& task) const {
  const auto place = running_.find(task.number);
  if (place == running_.end()) return "nothing";
  if (place->second.end_ns > 0) return "its time to pass";
  return wait_text(task, place->second.gather);
}

}  // namespace pipeloom::backend
