#include "backend/device/setup/hand_over_choice.h"

namespace pipeloom::backend {

namespace {

HandOverCopy of_plan(const Plan& plan) {
  HandOverCopy how;
  const auto& cluster = plan.job.cluster;
  if (cluster && cluster->hand_over) return *cluster->hand_over;
  if (cluster && plan.job.model) {
    constexpr int64_t kUnit = 16;
    const int64_t bytes = cluster->comm_piece_tokens * plan.job.model->hidden * 2;  // BF16
    how.piece_bytes = (bytes + kUnit - 1) / kUnit * kUnit;
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
