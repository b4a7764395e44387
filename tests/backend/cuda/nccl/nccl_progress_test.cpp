#include "backend/cuda/nccl/nccl_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace pipeloom::backend {
namespace {

using testing::HasSubstr;

// States one after the other, the last for ever; a question takes a second.
struct Script {
  std::vector<ncclResult_t> states;
  size_t asked = 0;
  int64_t now_ns = 0;
  int64_t aborted_at_ns = INT64_MAX;

  Status wait(int64_t patience_s) {
    return wait_for_nccl({[&] { return states[std::min(asked++, states.size() - 1)]; }, [&] { return now_ns; },
                          [&] { now_ns += 1'000'000'000; },
                          [&]() -> std::optional<Error> {
                            if (now_ns < aborted_at_ns) return std::nullopt;
                            return Error{ErrorCode::kIo, "rank 3 gave up"};
                          }},
                         patience_s * 1'000'000'000, "the world");
  }
};

TEST(NcclProgress, EndsWhenTheCommunicatorIsDone) {
  Script script{{ncclInProgress, ncclInProgress, ncclSuccess}};
  EXPECT_TRUE(script.wait(10));
  EXPECT_EQ(script.asked, 3u);
}

TEST(NcclProgress, SaysWhatNcclSays) {
  Script script{{ncclInProgress, ncclRemoteError}};
  EXPECT_THAT(script.wait(10).error().message, HasSubstr("the world: NCCL says remote process exited"));
}

TEST(NcclProgress, HasADeadline) {
  Script script{{ncclInProgress}};
  EXPECT_THAT(script.wait(10).error().message, HasSubstr("the world: not done after 10.0 s"));
  EXPECT_EQ(script.now_ns, 10'000'000'000);
}

TEST(NcclProgress, EndsWhereAnotherRankHasGivenUp) {
  Script script{{ncclInProgress}};
  script.aborted_at_ns = 2'000'000'000;
  EXPECT_EQ(script.wait(10).error().message, "rank 3 gave up");
}

}  // namespace
}  // namespace pipeloom::backend
