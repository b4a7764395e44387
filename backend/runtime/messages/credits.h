#pragma once

#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "backend/runtime/messages/gather.h"
#include "backend/runtime/program/rank_program.h"
#include "core/job/job.h"

namespace pipeloom::backend {

// Limits how many messages may be under way on a queue: a receiver has `receive_depth` buffers for each, and one is
// free again when the slot that takes its message has ended. A send waits for the buffer of the message that many
// before it. With blocking P2P a send waits until its own receive has begun.
class Credits {
 public:
  // `first_number`: of rank 0 of this replica among all ranks.
  Credits(const RankProgram& program, const P2pOptions& p2p, Endpoint& endpoint, int first_number);

  void begin_step(int64_t step);
  // What has to arrive before `send` may leave. Called once for each send, in the order of its queue.
  void await(const RankTask& send, Gather& gather);
  // Called for each receive that begins.
  void receive_begins(const RankTask& receive);
  // Called for each component that has ended.
  void component_ended(const RankTask& task);

 private:
  using Queue = std::pair<int, Direction>;  // the other rank, and which way messages go

  struct Slot {
    int components = 0;
    std::vector<const RankTask*> receives;
  };
  void release(const RankTask& receive);
  void send_credit(const RankTask& receive);

  bool blocking_;
  int depth_;  // 0: unlimited
  Endpoint& endpoint_;
  int first_number_;
  int32_t step_ = 0;
  std::map<int, Slot> slots_;          // of the program
  std::map<Queue, int64_t> receives_;  // of the program
  std::map<int, int> open_;            // by slot: components that have not ended
  std::map<Queue, int64_t> unused_;    // receives whose buffer has not been freed
  std::map<Queue, std::deque<MessageTag>> under_way_;
};

// What a send and the receive on the other side are about, whichever of them `task` is: the consumer's stage.
MessageTag hand_over_tag(const RankTask& task, int64_t step);

}  // namespace pipeloom::backend
