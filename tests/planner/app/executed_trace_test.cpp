#include "planner/app/executed_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planner/app/open_as.h"
#include "tests/planner/app/files.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::planner {
namespace {

using ::testing::HasSubstr;

class ExecutedTraceTest : public testing::Test {
 protected:
  Result<ExecutedTrace> opened(const std::string& path) const {
    return open_executed_trace(path, *open_plan(plan_), KernelWork::kMeasured);
  }
  const tests::TempFolder folder_;
  const std::string plan_ = folder_.file("a.plan", tests::plan_bytes());
};

TEST_F(ExecutedTraceTest, ComesWithItsDifferenceFromThePlan) {
  const auto executed = opened(folder_.file("a.trace", tests::trace_bytes()));
  ASSERT_TRUE(executed) << executed.error().message;
  EXPECT_EQ(executed->diff.executed_step_ns, executed->diff.predicted_step_ns);
  EXPECT_GT(executed->diff.executed_step_ns, 0);
}

// The file's content decides, whatever its name.
TEST_F(ExecutedTraceTest, AProfileIsOneUnderAnyName) {
  std::string events;
  for (const char* slot : {"0F0", "0F1", "0B0", "0F2", "0B1", "0F3", "0B2", "0B3", "1F0", "1B0"}) {
    events += std::string(events.empty() ? "" : ",") + R"({"ph":"X","cat":"gpu_user_annotation","name":"PP:)" + slot +
              R"(","pid":0,"tid":7,"ts":)" + std::to_string(events.size()) + R"(,"dur":1})";
  }
  const std::string run = "{\"traceEvents\":[" + events + "]}";
  for (const std::string& path : {folder_.file("run.json", run), folder_.file("run.pt.trace", run),
                                  folder_.file("run.json.gz", tests::gzipped(run))}) {
    const auto executed = opened(path);
    ASSERT_TRUE(executed) << executed.error().message;
    EXPECT_EQ(executed->trace.name, path.substr(path.rfind('/') + 1));
  }
}

TEST_F(ExecutedTraceTest, RefusesWhatIsNeither) {
  EXPECT_THAT(opened(plan_).error().message, HasSubstr("a.plan is a plan; expected a trace"));
  EXPECT_THAT(opened(folder_.file("job.json", R"({"layout": {}})")).error().message, HasSubstr("is a job; expected"));
}

}  // namespace
}  // namespace pipeloom::planner
