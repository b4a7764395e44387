#include "proto/plan/plan_io.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "proto/trace/trace_io.h"
#include "tests/proto/random_inputs.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::proto {
namespace {

using tests::content_of;
using tests::gpipe;
using tests::random_plan;
using tests::TempFolder;

// As read_plan says it of this content, without the folder.
std::string error_of(const std::string& content) {
  const tests::TempFolder folder;
  const auto plan = read_plan(folder.file("plan.pb", content));
  return plan ? "no error" : plan.error().message.substr(folder.path("").size());
}

std::string valid_content(uint64_t seed = 1) {
  const tests::TempFolder folder;
  std::mt19937_64 random(seed);
  EXPECT_TRUE(write_plan(folder.path("plan.pb"), tests::random_plan(random)).has_value());
  return tests::content_of(folder.path("plan.pb"));
}

void expect_equal(const Plan& a, const Plan& b) {
  EXPECT_EQ(a.job, b.job);
  EXPECT_EQ(a.schedule_name, b.schedule_name);
  EXPECT_EQ(a.schedule.placement(), b.schedule.placement());
  EXPECT_TRUE(std::ranges::equal(a.schedule.pipe_of_micro_batch(), b.schedule.pipe_of_micro_batch()));
  for (int rank = 0; rank < a.schedule.ranks(); ++rank) {
    EXPECT_TRUE(std::ranges::equal(a.schedule.slots_of(rank), b.schedule.slots_of(rank))) << "rank " << rank;
  }
  EXPECT_EQ(a.costs, b.costs);
  EXPECT_EQ(a.comm_sms, b.comm_sms);
  EXPECT_EQ(a.summary, b.summary);
  EXPECT_EQ(a.lowering_version, b.lowering_version);
  EXPECT_EQ(a.task_digest, b.task_digest);
}

TEST(PlanIo, RoundTripLosesNothing) {
  std::mt19937_64 random(2);
  const tests::TempFolder folder;
  for (int i = 0; i < 300 && !testing::Test::HasFailure(); ++i) {
    const Plan plan = tests::random_plan(random);
    ASSERT_TRUE(write_plan(folder.path("plan.pb"), plan).has_value());
    const auto back = read_plan(folder.path("plan.pb"));
    ASSERT_TRUE(back.has_value()) << back.error().message;
    expect_equal(*back, plan);
  }
}

TEST(PlanIo, RefusesATruncatedFile) {
  const std::string content = valid_content();
  // Everywhere at the ends, now and then between.
  for (size_t size = 15; size < content.size(); size += size < 100 || size + 100 > content.size() ? 1 : 13) {
    ASSERT_EQ(error_of(content.substr(0, size)), "plan.pb is cut off or damaged") << size << " of " << content.size();
  }
}

TEST(PlanIo, RefusesRandomBytes) {
  std::mt19937_64 random(3);
  std::string content(1000, ' ');
  for (char& byte : content) byte = static_cast<char>(random());
  EXPECT_EQ(error_of(content), "plan.pb is not a pipeloom plan");
}

TEST(PlanIo, SurvivesDamage) {
  std::mt19937_64 random(4);
  const std::string content = valid_content();
  const tests::TempFolder folder;
  for (int i = 0; i < 500; ++i) {
    std::string damaged = content;
    for (int flips = 0; flips < 3; ++flips) damaged[random() % damaged.size()] = static_cast<char>(random());
    const auto plan = read_plan(folder.file("plan.pb", damaged));
    if (plan) continue;
    EXPECT_TRUE(plan.error().message.starts_with(folder.path("plan.pb"))) << plan.error().message;
  }
}

TEST(PlanIo, RefusesAnEmptyFile) {
  EXPECT_EQ(error_of(""), "plan.pb is empty; expected a pipeloom plan");
}

TEST(PlanIo, RecognisesATrace) {
  const tests::TempFolder folder;
  ASSERT_TRUE(write_trace(folder.path("t"), Trace{.name = "run", .plan_digest = 0, .spans = {}}).has_value());
  EXPECT_EQ(error_of(tests::content_of(folder.path("t"))), "plan.pb is a pipeloom trace; expected a pipeloom plan");
}

TEST(PlanIo, RefusesANewerFormat) {
  std::string content = valid_content();
  ASSERT_EQ(content[15], '\x10');  // the tag of format_version, after the kind
  content[16] = 7;
  EXPECT_EQ(error_of(content), "plan.pb has format version 7; this pipeloom reads up to 1: update pipeloom");
}

TEST(PlanIo, SaysThatANewerFormatIsNewerEvenWhereItCantBeRead) {
  std::string content = valid_content();
  content[16] = 7;
  EXPECT_EQ(error_of(content.substr(0, content.size() / 2)),
            "plan.pb has format version 7; this pipeloom reads up to 1: update pipeloom");
}

TEST(PlanIo, RefusesAFolder) {
  const tests::TempFolder folder;
  EXPECT_EQ(read_plan(folder.path(".")).error().message, "can't read " + folder.path(".") + ": Is a directory");
}

TEST(PlanIo, NamesAMissingFile) {
  const auto plan = read_plan("/nonexistent/plan.pb");
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(plan.error().message, "can't read /nonexistent/plan.pb: No such file or directory");
}

TEST(PlanIo, AFailedWriteNamesThePath) {
  std::mt19937_64 random(5);
  EXPECT_EQ(write_plan("/nonexistent/plan.pb", tests::random_plan(random)).error().message,
            "can't write /nonexistent/plan.pb: No such file or directory");
}

// 32 ranks, 2048 micro-batches: 131,072 slots.
TEST(PlanIo, ReadsALargePlanFast) {
  std::mt19937_64 random(6);
  const Plan small = tests::random_plan(random);
  const int stages = 32;
  Plan plan{.job = small.job,
            .schedule_name = "gpipe",
            .schedule = tests::gpipe(stages, 2048),
            .costs = {.layers_per_stage = {},
                      .programs = std::vector<StageProgram>(stages, StageProgram(1)),
                      .schedule = ScheduleCosts::uniform(stages, stages, StageCost::plain(1, 1, 1)).value(),
                      .activations = std::vector<ActivationSize>(stages),
                      .states = std::vector<StageState>(stages),
                      .communication = std::vector<StageCommunication>(stages),
                      .pair_hidden_ns = {},
                      .gradient_reduction_ns = std::vector<int64_t>(stages),
                      .optimizer_ns = std::vector<int64_t>(stages)},
            .summary = {}};
  const tests::TempFolder folder;
  ASSERT_TRUE(write_plan(folder.path("plan.pb"), plan).has_value());
  auto fastest = std::chrono::nanoseconds::max();
  for (int i = 0; i < 5; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const auto back = read_plan(folder.path("plan.pb"));
    fastest = std::min<std::chrono::nanoseconds>(fastest, std::chrono::steady_clock::now() - begin);
    ASSERT_TRUE(back.has_value()) << back.error().message;
    ASSERT_EQ(back->schedule.slots().size(), 131'072u);
  }
  const double bytes_per_slot = static_cast<double>(tests::content_of(folder.path("plan.pb")).size()) / 131'072;
  RecordProperty("read_us", static_cast<int>(fastest.count() / 1000));
  std::printf("%.1f ms, %.2f bytes a slot\n", static_cast<double>(fastest.count()) / 1e6, bytes_per_slot);
  EXPECT_LT(bytes_per_slot, 4);
#ifdef NDEBUG
  EXPECT_LT(fastest, std::chrono::milliseconds(100));
#endif
}

}  // namespace
}  // namespace pipeloom::proto
