#include "planner/schedules/dualpipe_steps.h"

namespace pipeloom::planner {

namespace {

class Steps {
 public:
  explicit Steps(const DualPipeRank& rank) : rank_(rank), before_turn_(rank.half - 1 - rank.position) {
    order_.reserve(5 * static_cast<size_t>(rank.micro_batches));
  }

  std::vector<Slot> run() {
    enter_phase_0();
    enter_phase_1();
    start_backwards();
    main_steps();
    finish_forwards();
    drain_both();
    drain_phase_0();
    while (next_w_ < delayed_.size()) weight();
    return std::move(order_);
  }

 private:
  int main_step_count() const { return rank_.micro_batches - 2 * rank_.half + rank_.position + 1; }

  void enter_phase_0() {
    for (int i = 0; i < 2 * before_turn_; ++i) push(next_forward(0));
  }

  // Runs F0 and F1 in turn. The input of the next F0 comes in F1's batch, and the output of F0 waits for that batch
  // too.
  void enter_phase_1() {
    for (int i = 0; i <= rank_.position; ++i) {
      Slot& f0 = push(next_forward(0));
      f0.send_later = !rank_.sends_warm_up_at_once;
      f0.receive_early = i > 0;
      push(next_forward(1));
    }
    batch_of_early_input_ = order_.size() - 1;
    // The meeting rank withholds its last F1 so that the F0 that follows starts without a batch.
    if (rank_.is_turn()) order_.back().send_later = 1;
  }

  void start_backwards() {
    for (int i = 0; i < before_turn_; ++i) {
      input_backward(1);
      weight();
      push(next_forward(1)).receive_early = 1;
    }
  }

  void main_steps() {
    for (int i = 0; i < main_step_count(); ++i) {
      if (i == 0 && rank_.is_turn()) {  // not overlapped, because the bubble is then smaller
        push(next_forward(0)).send_later = 1;
        receive_at(batch_of_early_input_);
        push(next_backward(1));
      } else {
        overlap(0, 1);
        if (i == 0) receive_at(batch_of_early_input_);
      }
      overlap(1, 0);
    }
  }

  void finish_forwards() {
    for (int i = 0; i < before_turn_; ++i) {
      push(next_backward(1));
      overlap(1, 0);
    }
  }

  // Runs B1 and B0 in turn. The second half of them delays W.
  void drain_both() {
    const int count = 2 * (rank_.position + 1);
    for (int i = 0; i < count; ++i) {
      const int phase = i % 2 == 0 ? 1 : 0;
      if (i < count / 2) {
        push(next_backward(phase));
      } else {
        input_backward(phase);
      }
    }
  }

  void drain_phase_0() {
    for (int i = 0; i < before_turn_; ++i) {
      weight();
      input_backward(0);
    }
  }

  Slot next_forward(int phase) {
    const auto& [stage, first] = rank_.phases[phase];
    return Slot::forward(stage, first + forwards_[phase]++);
  }

  Slot next_backward(int phase) {
    const auto& [stage, first] = rank_.phases[phase];
    return Slot::backward(stage, first + backwards_[phase]++);
  }

  void overlap(int forward_phase, int backward_phase) {
    const Slot f = next_forward(forward_phase);
    const Slot b = next_backward(backward_phase);
    push(Slot::pair(f.stage, f.micro_batch, b.stage, b.micro_batch));
  }

  void input_backward(int phase) {
    const Slot b = next_backward(phase);
    push(Slot::input_backward(b.stage, b.micro_batch));
    delayed_.push_back(Slot::weight_backward(b.stage, b.micro_batch));
  }

  void weight() { push(delayed_[next_w_++]); }

  Slot& push(const Slot& slot) { return order_.emplace_back(slot); }

  void receive_at(size_t batch) { order_.back().receive_early = static_cast<uint16_t>(order_.size() - 1 - batch); }

  const DualPipeRank& rank_;
  const int before_turn_;
  std::vector<Slot> order_;
  std::vector<Slot> delayed_;  // W's, first in, first out
  size_t next_w_ = 0;
  size_t batch_of_early_input_ = 0;
  int forwards_[2] = {0, 0};
  int backwards_[2] = {0, 0};
};

}  // namespace

std::vector<Slot> dualpipe_order(const DualPipeRank& rank) {
  return Steps(rank).run();
}

}  // namespace pipeloom::planner
