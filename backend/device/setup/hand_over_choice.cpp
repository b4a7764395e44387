#include "backend/device/setup/hand_over_choice.h"

namespace pipeloom::backend {

namespace {

HandOverCopy of_plan(const Plan& plan) {
  HandOverCopy how;
  const auto& cluster = plan.job.cluster;
  if (cluster && cluster->hand_over) return *cluster->hand_over;
  if (cluster && plan.job.model) {
    how.piece_bytes = piece_of_tokens(cluster->comm_piece_tokens, plan.job.model->hidden * 2);  // BF16
  }
  return how;
}

}  // namespace

HandOverCopy hand_over_of(const Plan& plan, std::optional<CopyMethod> asked) {
  HandOverCopy how = of_plan(plan);
  if (asked) how.method = *asked;
  return how;
}

}  // namespace pipeloom::backend
