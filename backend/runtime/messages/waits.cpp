#include "backend/runtime/messages/waits.h"

#include <fmt/format.h>

namespace pipeloom::backend {

Wait wait_of(const RankTask& task, const Gather& gather) {
  Wait wait;
  wait.rank = gather.missing_source();
  switch (task.task.key.kind) {
    case TaskKind::kReceive:
      wait.kind = WaitKind::kMessage;
      break;
    case TaskKind::kSend:
      wait.kind = WaitKind::kCredit;
      break;
    case TaskKind::kComponent:
    case TaskKind::kGradientReduction:
    case TaskKind::kOptimizer:
    case TaskKind::kNorm:
    case TaskKind::kEma:
      wait.kind = WaitKind::kMember;
      break;
  }
  return wait;
}

std::string wait_text(const RankTask& task, const Gather& gather) {
  const int rank = gather.missing_source();
  switch (task.task.key.kind) {
    case TaskKind::kReceive:
      return fmt::format("the {} message of micro-batch {} from rank {}",
                         task.task.direction == Direction::kForward ? "forward" : "backward", task.micro_batch, rank);
    case TaskKind::kSend:
      return fmt::format("a free receive buffer from rank {}", rank);
    case TaskKind::kComponent:
      return fmt::format("the tokens from rank {}", rank);
    case TaskKind::kGradientReduction:
      return fmt::format("the gradients from rank {}", rank);
    case TaskKind::kOptimizer:
      return fmt::format("the weights from rank {}", rank);
    case TaskKind::kNorm:
      return fmt::format("the norm from rank {}", rank);
    case TaskKind::kEma:
      break;
  }
  return fmt::format("a message from rank {}", rank);
}

}  // namespace pipeloom::backend
