#include "backend/runtime/messages/credits.h"

namespace pipeloom::backend {

namespace {

// Credits go against the messages that they are for.
Channel credit_channel(Direction direction) {
  return direction == Direction::kForward ? Channel::kForwardCredit : Channel::kBackwardCredit;
}

}  // namespace

MessageTag hand_over_tag(const RankTask& task, int64_t step) {
  int stage = task.stage;
  if (task.task.key.kind == TaskKind::kSend) stage += task.task.direction == Direction::kForward ? 1 : -1;
  return {static_cast<int32_t>(step), stage, task.micro_batch, 0};
}

Credits::Credits(const RankProgram& program, const P2pOptions& p2p, Endpoint& endpoint, int first_number)
    : blocking_(p2p.mode == P2pMode::kBlocking),
      depth_(blocking_ ? 0 : p2p.receive_depth),
      endpoint_(endpoint),
      first_number_(first_number) {
  if (depth_ == 0) return;
  for (const RankTask& task : program.tasks()) {
    const TaskKey& key = task.task.key;
    if (key.kind == TaskKind::kComponent) ++slots_[key.slot].components;
    if (key.kind != TaskKind::kReceive) continue;
    slots_[key.slot].receives.push_back(&task);
    ++receives_[{task.task.peer, task.task.direction}];
  }
}

void Credits::begin_step(int64_t step) {
  step_ = static_cast<int32_t>(step);
  for (const auto& [slot, state] : slots_) open_[slot] = state.components;
  unused_ = receives_;
  under_way_.clear();
}

void Credits::await(const RankTask& send, Gather& gather) {
  const Direction direction = send.task.direction;
  if (blocking_) gather.expect(first_number_ + send.task.peer, credit_channel(direction), hand_over_tag(send, step_));
  if (depth_ == 0) return;
  std::deque<MessageTag>& under_way = under_way_[{send.task.peer, direction}];
  under_way.push_back(hand_over_tag(send, step_));
  if (static_cast<int>(under_way.size()) <= depth_) return;
  gather.expect(first_number_ + send.task.peer, credit_channel(direction), under_way.front());
  under_way.pop_front();
}

void Credits::receive_begins(const RankTask& receive) {
  if (blocking_) send_credit(receive);
}

void Credits::component_ended(const RankTask& task) {
  if (depth_ == 0 || --open_.at(task.task.key.slot) > 0) return;
  for (const RankTask* receive : slots_.at(task.task.key.slot).receives) release(*receive);
}

// The last messages of a step need no credit: nobody waits for their buffers.
void Credits::release(const RankTask& receive) {
  if (unused_.at({receive.task.peer, receive.task.direction})-- > depth_) send_credit(receive);
}

void Credits::send_credit(const RankTask& receive) {
  endpoint_.send(first_number_ + receive.task.peer, credit_channel(receive.task.direction),
                 {hand_over_tag(receive, step_), 0, {}});
}

}  // namespace pipeloom::backend
