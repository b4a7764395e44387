#include "backend/device/setup/hand_over_choice.h"

#include <gtest/gtest.h>

#include "core/tasks/lower.h"
#include "planner/evaluate/evaluate.h"
#include "planner/schedules/schedule_table.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

Plan plan_with(const std::optional<HandOverCopy>& how) {
  Job job = tests::training_job(tests::tiny_mixtral(), 2, 4, 1, 1);
  job.cluster->shared_gpu = job.cluster->gpu;
  job.cluster->hand_over = how;
  job.cluster->comm_piece_tokens = 3;
  job = make_job(job).value();
  const planner::Evaluation evaluation = planner::evaluate(job, *planner::find_schedule("1f1b").value()).value();
  return make_plan(job, "1f1b", evaluation.schedule, evaluation.costs, job.cluster->comm_sms, {});
}

TEST(HandOverChoice, APlanIsObeyed) {
  const HandOverCopy how = {CopyMethod::kBulk, 16'384};
  EXPECT_EQ(hand_over_of(plan_with(how), {}), how);
}

TEST(HandOverChoice, WhoAsksForAMethodGetsItInThePlansChunks) {
  const HandOverCopy how = {CopyMethod::kBulk, 16'384};
  EXPECT_EQ(hand_over_of(plan_with(how), CopyMethod::kLoadStore), (HandOverCopy{CopyMethod::kLoadStore, 16'384}));
}

TEST(HandOverChoice, APlanThatSaysNothingCopiesTheTokensOfItsAllToAll) {
  const Plan plan = plan_with({});
  const int64_t bytes = 3 * plan.job.model->hidden * 2;
  EXPECT_EQ(hand_over_of(plan, {}), (HandOverCopy{CopyMethod::kStreaming, (bytes + 15) / 16 * 16}));
}

}  // namespace
}  // namespace pipeloom::backend
