#include "backend/runtime/training/plan_limits.h"

#include <gtest/gtest.h>

#include <atomic>

#include "backend/runtime/training/train.h"
#include "backend/transport/threads.h"
#include "core/tasks/lower.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

using Largest = std::array<std::atomic<uint64_t>, kChannels>;

// Notes how large the messages are that a rank sends.
class MeasuredEndpoint : public Endpoint {
 public:
  MeasuredEndpoint(Endpoint& real, Largest& largest) : real_(real), largest_(largest) {}

  int rank() const override { return real_.rank(); }
  int ranks() const override { return real_.ranks(); }
  void send(int target, Channel channel, Message message) override {
    std::atomic<uint64_t>& largest = largest_[static_cast<size_t>(channel)];
    uint64_t before = largest;
    while (before < message.bytes.size() && !largest.compare_exchange_weak(before, message.bytes.size())) {
    }
    real_.send(target, channel, std::move(message));
  }
  std::optional<Message> try_receive(int source, Channel channel) override {
    return real_.try_receive(source, channel);
  }
  void wait_until(int64_t time_ns) override { real_.wait_until(time_ns); }
  void abort(const Error& error) override { real_.abort(error); }
  std::optional<Error> aborted() override { return real_.aborted(); }

 private:
  Endpoint& real_;
  Largest& largest_;
};

Job with(const Model& model, const std::function<void(Job&)>& change) {
  Job job = tests::training_job(model, 2, 4, 2, model.moe ? 2 : 1);
  change(job);
  return make_job(job).value();
}

// A run whose messages are larger than its plan allows would end with an error over TCP.
TEST(PlanLimits, HoldEveryMessageOfARun) {
  const std::vector<Job> jobs = {
      with(tests::tiny_dense(), [](Job&) {}),
      with(tests::tiny_gpt(), [](Job& job) { job.precision = Precision::kBf16; }),
      with(tests::tiny_mixtral(), [](Job& job) { job.clipping = Clipping::kGlobal; }),
      with(tests::tiny_moe(), [](Job& job) { job.recompute = Recompute::kFull; }),
      with(tests::tiny_v3(),
           [](Job& job) {
             job.precision = Precision::kFp8;
             job.ema_decay = 0.75;
             job.clipping = Clipping::kValidated;
           }),
  };
  for (const Job& job : jobs) {
    for (const bool check : {false, true}) {
      const Plan plan = tests::plan_with(job, "dualpipe").value();
      const TaskGraph graph = lower(plan);
      const TextTokens text =
          TextTokens::create(tests::some_text(), job.batch, job.model->vocabulary, 1, 1 + job.model->mtp_depth).value();
      RunOptions options;
      options.steps = 2;
      options.traced = true;
      options.training.check = check;
      const TrainingRun run{plan, graph, text, options};
      Largest largest = {};
      const Status status = run_on_threads(run.ranks(), [&](Endpoint& endpoint) -> Status {
        MeasuredEndpoint measured(endpoint, largest);
        return train_rank(run, measured).map([](const RankResult&) {});
      });
      ASSERT_TRUE(status) << status.error().message;
      const MessageLimits limits = plan_limits(plan, graph, true);
      for (int channel = 0; channel < kChannels; ++channel) {
        EXPECT_LE(largest[channel], limits.bytes[channel]) << job.model->family << ", channel " << channel;
      }
      // They are of the plan, and no number that fits all.
      EXPECT_EQ(largest[static_cast<size_t>(Channel::kForward)], limits.of(Channel::kForward));
    }
  }
}

TEST(PlanLimits, APacedRunSendsNothingBetweenStages) {
  const Plan plan = tests::plan_with(tests::training_job(tests::tiny_dense(), 2, 4), "1f1b").value();
  const MessageLimits limits = plan_limits(plan, lower(plan), false);
  EXPECT_EQ(limits.of(Channel::kForward), 0u);
  EXPECT_GT(limits.of(Channel::kControl), 0u);
}

}  // namespace
}  // namespace pipeloom::backend
