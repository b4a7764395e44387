// A lowered step with the real maths, on a device that runs launches in any order that streams and events allow: loss
// and parameters are the sequential run's, bit for bit.
#include <gtest/gtest.h>

#include <memory>

#include "backend/device/program/launch_lowering.h"
#include "backend/runtime/training/training_runner.h"
#include "backend/transport/threads.h"
#include "tests/backend/device/program/fake_device.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

TrainingOptions check_options() {
  TrainingOptions options;
  options.check = true;
  options.adam.learning_rate = 1e-2;
  return options;
}

// All ranks of a plan on one fake device; what a launch does is done where the device runs it.
class FakeTraining {
 public:
  explicit FakeTraining(const Plan& plan)
      : plan_(plan),
        graph_(launch_graph(plan)),
        text_(TextTokens::create(tests::some_text(), plan.job.batch, plan.job.model->vocabulary).value()),
        program_(lower_launches(graph_, {}).value()),
        endpoints_(connect_threads(plan.schedule.ranks())),
        tasks_(graph_.tasks().size(), nullptr) {
    for (int rank = 0; rank < plan.schedule.ranks(); ++rank) {
      programs_.push_back(std::make_unique<RankProgram>(plan.schedule, graph_, rank));
      runners_.push_back(
          std::make_unique<TrainingRunner>(plan, *programs_.back(), text_, check_options(), *endpoints_[rank]));
      for (const RankTask& task : programs_.back()->tasks()) tasks_[task.number] = &task;
    }
  }

  double step(int64_t step, uint64_t seed) {
    for (const auto& runner : runners_) runner->begin_step(step);
    std::mt19937_64 random(seed);
    tests::FakeDevice device(program_);
    issue(program_, device);
    while (device.advance(
        random, [](const Launch&) { return true; }, [&](const Launch& launch) { run(launch.tasks.front()); })) {
    }
    EXPECT_TRUE(device.idle());
    EXPECT_TRUE(waiting_.empty() && postponed_.empty());
    double sum = 0;
    std::map<int, double> losses;
    for (const auto& runner : runners_) losses.insert(runner->losses().begin(), runner->losses().end());
    for (const auto& [micro_batch, loss] : losses) sum += loss;
    return sum * part_shape(plan_.job, 0).loss_scale;
  }

  std::map<std::string, std::vector<float>> parameters() const {
    std::map<std::string, std::vector<float>> all;
    for (const auto& runner : runners_) {
      for (const auto& chunk : runner->chunks()) copy_parameters(chunk->state(), all);
    }
    return all;
  }

 private:
  void run(uint32_t number) {
    begin_when_reduced(number);
    for (const PassedTask& passed : program_.passed) {
      if (passed.ends_with == number) begin(passed.task);
    }
    // Members of a collective wait for each other; what waits for none must have ended by itself.
    while (true) {
      const auto ended = std::ranges::find_if(
          waiting_, [&](const RankTask* task) { return runners_[task->task.key.rank]->poll(*task).value().ended; });
      if (ended == waiting_.end()) break;
      waiting_.erase(ended);
      for (const uint32_t optimizer : std::exchange(postponed_, {})) begin_when_reduced(optimizer);
    }
    for (const RankTask* task : waiting_)
      EXPECT_TRUE(task->task.collective >= 0 || is_optimizer(*task)) << describe(*task);
  }

  // On a device a copy's reduction reads the others itself; here it ends when their messages are there.
  void begin_when_reduced(uint32_t number) {
    const RankTask& task = *tasks_[number];
    const bool reduces = std::ranges::any_of(
        waiting_, [&](const RankTask* waiting) { return waiting->task.key.rank == task.task.key.rank; });
    if (!is_optimizer(task) || !reduces) return begin(number);
    postponed_.push_back(number);
  }
  static bool is_optimizer(const RankTask& task) { return task.task.key.kind == TaskKind::kOptimizer; }

  void begin(uint32_t number) {
    const RankTask& task = *tasks_[number];
    ASSERT_TRUE(runners_[task.task.key.rank]->start(task)) << describe(task);
    waiting_.push_back(&task);
  }

  const Plan& plan_;
  TaskGraph graph_;
  TextTokens text_;
  LaunchProgram program_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::vector<const RankTask*> tasks_;  // [task]
  std::vector<std::unique_ptr<RankProgram>> programs_;
  std::vector<std::unique_ptr<TrainingRunner>> runners_;
  std::vector<const RankTask*> waiting_;
  std::vector<uint32_t> postponed_;  // optimizers
};

TEST(TrainingLaunches, GiveTheSequentialRunsBitsInEveryOrder) {
  constexpr int64_t kSteps = 2;
  for (const char* schedule : {"1f1b", "zb-v", "dualpipe", "chimera"}) {
    const Plan plan = tests::plan_with(tests::training_job(tests::tiny_moe(), 4, 8), schedule).value();
    const auto text = TextTokens::create(tests::some_text(), plan.job.batch, plan.job.model->vocabulary).value();
    const TrainingResult sequential = train_sequentially(plan.job, text, kSteps, check_options()).value();
    for (uint64_t seed = 1; seed <= 2; ++seed) {
      FakeTraining training(plan);
      for (int64_t step = 0; step < kSteps; ++step) {
        EXPECT_EQ(training.step(step, seed), sequential.losses[step]) << schedule << ", seed " << seed;
      }
      EXPECT_EQ(training.parameters(), sequential.parameters) << schedule << ", seed " << seed;
    }
  }
}

}  // namespace
}  // namespace pipeloom::backend
