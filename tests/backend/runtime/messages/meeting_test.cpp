#include "backend/runtime/messages/meeting.h"

#include <gtest/gtest.h>

#include "backend/runtime/messages/parameters_digest.h"
#include "backend/transport/threads.h"

namespace pipeloom::backend {
namespace {

using Parameters = std::map<std::string, std::vector<float>>;

constexpr int64_t kPatience_ns = 10'000'000'000;

// Every rank of `ranks` calls `function` with its meeting.
template <typename Function>
Status meet(int ranks, const Function& function) {
  return run_on_threads(ranks, [&](Endpoint& endpoint) -> Status {
    Meeting meeting(endpoint, kPatience_ns);
    return function(meeting, endpoint.rank());
  });
}

TEST(Meeting, NamesWhatARankWasStartedWithOtherwise) {
  const auto agree = [](const std::vector<Fact>& of_rank_2) {
    const std::vector<Fact> usual = {{"--steps", "10"}, {"--seed", "1"}};
    const Status status = meet(4, [&](Meeting& meeting, int rank) -> Status {
      PIPELOOM_RETURN_IF_ERROR(meeting.agree(rank == 2 ? of_rank_2 : usual));
      return meeting.meet().map([](int64_t) {});
    });
    return status ? "" : status.error().message;
  };
  const std::string advice = ", as rank 0 was: start all ranks with the same program, plan, text and options";
  EXPECT_EQ(agree({{"--steps", "10"}, {"--seed", "1"}}), "");
  EXPECT_EQ(agree({{"--steps", "10"}, {"--seed", "2"}}), "rank 2 was started with --seed 2 (not 1)" + advice);
  EXPECT_EQ(agree({{"--steps", "20"}, {"--seed", "2"}}),
            "rank 2 was started with --steps 20 (not 10), --seed 2 (not 1)" + advice);
  EXPECT_EQ(agree({{"--steps", "10"}, {"--dance", "on"}}),
            "rank 2 was started with no --seed (not 1), --dance on" + advice);
}

TEST(Meeting, OneRanksWishStopsAll) {
  for (const int wishing : {-1, 0, 2}) {
    const Status status = meet(3, [&](Meeting& meeting, int rank) -> Status {
      PIPELOOM_TRY(const Meeting::StepBegin begin, meeting.meet_for_step(rank == wishing));
      EXPECT_EQ(begin.stop != 0, wishing >= 0) << rank;
      EXPECT_GT(begin.time_ns, 0);
      return {};
    });
    EXPECT_TRUE(status.has_value());
  }
}

TEST(Meeting, SumsLossesInTheOrderOfTheMicroBatches) {
  const Status status = meet(3, [](Meeting& meeting, int rank) -> Status {
    // In the order of the ranks the small one would be lost.
    const std::map<int64_t, double> losses[] = {{{2, 1.0}}, {{0, 1e20}}, {{1, -1e20}}};
    PIPELOOM_TRY(const double sum, meeting.sum_losses(losses[rank]));
    EXPECT_EQ(sum, 1.0);
    return {};
  });
  EXPECT_TRUE(status.has_value());
}

TEST(Meeting, ADigestDoesNotDependOnWhoHasWhat) {
  const Parameters all = {{"a", {1, 2}}, {"b", {3}}, {"c", {4}}};
  const Status status = meet(2, [&](Meeting& meeting, int rank) -> Status {
    const Parameters own = rank == 0 ? Parameters{{"b", {3}}} : Parameters{{"a", {1, 2}}, {"b", {3}}, {"c", {4}}};
    PIPELOOM_TRY(const uint64_t digest, meeting.digest(own));
    EXPECT_EQ(digest, rank == 0 ? parameters_digest(all) : 0);
    return {};
  });
  EXPECT_TRUE(status.has_value());
  EXPECT_NE(parameters_digest(all), parameters_digest({{"a", {1, 2}}, {"b", {3}}, {"c", {5}}}));
}

TEST(Meeting, CopiesThatDifferAreAnError) {
  const Status status = meet(2, [](Meeting& meeting, int rank) -> Status {
    return meeting.digest({{"a", {rank == 0 ? 1.0F : 2.0F}}}).map([](uint64_t) {});
  });
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message, "rank 1 has another copy of a parameter than the ranks before it");
}

}  // namespace
}  // namespace pipeloom::backend
