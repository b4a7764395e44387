#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "planner/schedules/schedules.h"
#include "tests/support/orders.h"
#include "tests/support/unit_time.h"

namespace pipeloom::planner {
namespace {

using tests::makespan;
using tests::peak_activations;
using tests::print_orders;

std::string error(const Result<Schedule>& schedule) {
  return schedule ? "accepted" : schedule.error().message;
}

int64_t peak(const Schedule& schedule) {
  int64_t most = 0;
  for (int rank = 0; rank < schedule.ranks(); ++rank) most = std::max(most, tests::peak_activations(schedule, rank));
  return most;
}

// Idle time of the fullest rank in passes of one stage's F=1, B=2, whatever the number of chunks.
double bubble(const Schedule& schedule) {
  const double chunks = schedule.placement().chunks_per_rank();
  return static_cast<double>(tests::makespan(schedule, {1, 2, 1})) / chunks - 3.0 * schedule.micro_batches();
}

TEST(OneFOneB, AlternatesAfterTheWarmUp) {
  EXPECT_EQ(tests::print_orders(one_f_one_b({3, 4}).value()),
            "0: F0 F1 F2 B0 F3 B1 B2 B3\n"
            "1: F0 F1 B0 F2 B1 F3 B2 B3\n"
            "2: F0 B0 F1 B1 F2 B2 F3 B3\n");
}

TEST(OneFOneB, BubbleMatchesFormula) {
  for (const int ranks : {1, 2, 4, 7}) {
    for (const int micro_batches : {1, 3, 8, 20}) {
      const Schedule schedule = one_f_one_b({ranks, micro_batches}).value();
      EXPECT_EQ(tests::makespan(schedule, {3, 5, 2}), (micro_batches + ranks - 1) * 8) << ranks << " " << micro_batches;
      EXPECT_EQ(tests::peak_activations(schedule, 0), std::min(micro_batches, ranks));
    }
  }
}

TEST(EagerOneFOneB, HasOneFOneBsMakespanAndTwiceItsWarmUp) {
  const Schedule schedule = eager_one_f_one_b({4, 12}).value();
  EXPECT_EQ(tests::makespan(schedule, {1, 2, 1}), tests::makespan(one_f_one_b({4, 12}).value(), {1, 2, 1}));
  for (int rank = 0; rank < 4; ++rank) {
    const auto slots = schedule.slots_of(rank);
    const auto first_b = std::find_if(slots.begin(), slots.end(), [](const Slot& s) { return s.kind == SlotKind::kB; });
    EXPECT_EQ(first_b - slots.begin(), 2 * (4 - rank) - 1) << "rank " << rank;
  }
}

TEST(OneFOneBOverlap, PairsEveryForwardOfTheLastRankButTheFirst) {
  EXPECT_EQ(tests::print_orders(one_f_one_b_overlap({2, 3}).value()), "0: F0 F1 F2 B0 B1 B2\n1: F0 F1&B0 F2&B1 B2\n");
}

TEST(InterleavedOneFOneB, BubbleShrinksWithTheChunks) {
  for (const int chunks : {1, 2, 3, 4}) {
    EXPECT_DOUBLE_EQ(bubble(interleaved_one_f_one_b({4, 8, chunks}).value()), 9.0 / chunks) << chunks;
  }
}

TEST(InterleavedOneFOneB, RefusesGroupsThatMegatronRefuses) {
  const auto message = [](int ranks, int micro_batches, int group) {
    return error(interleaved_one_f_one_b({ranks, micro_batches, 2, group}));
  };
  EXPECT_EQ(message(4, 8, 3), "group is 3; allowed are 4 (ranks) to 8 (micro_batches)");
  EXPECT_EQ(message(4, 8, 9), "group is 9; allowed are 4 (ranks) to 8 (micro_batches)");
  EXPECT_EQ(message(4, 9, 6),
            "group is 6, which leaves 3 of 9 micro_batches for the last group; allowed are 0 or at least 4 (ranks)");
  EXPECT_EQ(message(4, 3, 3), "group is 3; with fewer micro_batches (3) than ranks (4) only 0 is allowed");
}

TEST(InterleavedOneFOneB, FindsAGroupForAnyNumberOfMicroBatches) {
  const auto same = [](int micro_batches, int group) {
    return tests::print_orders(interleaved_one_f_one_b({4, micro_batches}).value()) ==
           tests::print_orders(interleaved_one_f_one_b({4, micro_batches, 2, group}).value());
  };
  EXPECT_TRUE(same(8, 4));    // Megatron's default
  EXPECT_TRUE(same(10, 5));   // PyTorch's equal groups
  EXPECT_TRUE(same(9, 5));    // neither: the smallest that Megatron allows
  EXPECT_FALSE(same(10, 6));  // the group matters
}

TEST(InterleavedOneFOneBOverlap, NeedsTwoChunks) {
  EXPECT_EQ(error(interleaved_one_f_one_b_overlap({4, 8, 1})),
            "chunks is 1; with more than one rank at least 2 are needed");
  EXPECT_EQ(error(interleaved_one_f_one_b_overlap({1, 8, 1})), "accepted");
}

TEST(LoopedBfs, RunsBackwardsInDescendingOrder) {
  EXPECT_EQ(tests::print_orders(looped_bfs({1, 2}).value()), "0: F0 F1 F0@1 F1@1 B1@1 B0@1 B1 B0\n");
}

TEST(DualPipe, RefusesSizesThatItsStepsCantRun) {
  EXPECT_EQ(error(dualpipe({4, 4})), "micro_batches is 4; DualPipe on 4 ranks needs an even number of at least 6");
  EXPECT_EQ(error(dualpipe({4, 9})), "micro_batches is 9; DualPipe on 4 ranks needs an even number of at least 6");
  EXPECT_EQ(error(dualpipe({3, 8})), "ranks is 3; DualPipe needs an even number");
  EXPECT_EQ(error(dualpipe({4, 6})), "accepted");
}

TEST(DualPipeV, RefusesSizesThatItsStepsCantRun) {
  EXPECT_EQ(error(dualpipev({4, 6})), "micro_batches is 6; DualPipeV on 4 ranks needs at least 7");
  EXPECT_EQ(error(dualpipev({4, 7})), "accepted");
}

TEST(DualPipe, HasThePublishedBubbleAndMemory) {
  for (const int ranks : {4, 8, 16}) {
    const Schedule schedule = dualpipe({ranks, 3 * ranks}).value();
    const int64_t pair = 2 + 3;  // F=I=2, W=1
    EXPECT_EQ(tests::makespan(schedule, {2, 3, 1}) - 3 * ranks * pair, (ranks / 2 - 1) * (pair + 3 - 3 * 1)) << ranks;
    EXPECT_EQ(peak(schedule), ranks + 1);
  }
}

TEST(Chimera, HasThePublishedBubbleForOneRound) {
  for (const auto& [ranks, pairs] : {std::pair(4, 1), std::pair(8, 1), std::pair(8, 2), std::pair(16, 2)}) {
    const Schedule schedule = chimera({ranks, ranks, 0, 0, pairs}).value();
    EXPECT_EQ(tests::makespan(schedule, {1, 2, 1}) - 3 * ranks, (ranks / pairs - 2) * 2) << ranks << " " << pairs;
  }
}

TEST(Chimera, RoundsJoinWithoutCollision) {
  for (const int rounds : {1, 2, 3, 5}) {
    const Schedule schedule = chimera({8, 8 * rounds}).value();
    EXPECT_EQ(tests::makespan(schedule, {1, 1, 0}), 2 * 8 * rounds + 8 - 2) << rounds;
  }
}

TEST(ChimeraDoubling, RunsTwoForwardsInARow) {
  EXPECT_EQ(tests::print_orders(chimera_doubling({2, 4}).value()),
            "0: F0 F1 F2@1 F3@1 B2@1 B0 B3@1 B1\n"
            "1: F2@0 F3@0 F0 F1 B0 B2@0 B1 B3@0\n");
}

TEST(ChimeraDoubling, RoundsJoinWithoutCollision) {
  const int64_t work_of_round = 16 * 3;
  const int64_t one_round = tests::makespan(chimera_doubling({8, 16}).value(), {1, 2, 1});
  for (const int rounds : {2, 3, 5}) {
    const Schedule schedule = chimera_doubling({8, 16 * rounds}).value();
    EXPECT_EQ(tests::makespan(schedule, {1, 2, 1}), one_round + (rounds - 1) * work_of_round) << rounds;
  }
}

TEST(ChimeraHalving, CountsHalfMicroBatches) {
  EXPECT_EQ(error(chimera_halving({4, 7})),
            "micro_batches is 7; backward halving counts half micro-batches and needs an even number");
  EXPECT_EQ(tests::print_orders(chimera_halving({4, 8}).value()),
            tests::print_orders(chimera_doubling({4, 8}).value()));
}

struct WaveCase {
  int ranks = 0;
  int micro_batches = 0;
  int waves = 0;

  Schedule generate() const { return hanayo({ranks, micro_batches, 0, 0, 1, waves}).value(); }
};

std::vector<WaveCase> wave_cases(const std::vector<int>& rounds, int rest) {
  std::vector<WaveCase> cases;
  for (const int ranks : {2, 4, 8}) {
    for (const int round : rounds) {
      for (const int waves : {1, 2, 4}) cases.push_back({ranks, round * ranks + rest, waves});
    }
  }
  return cases;
}

void expect_better_than_one_f_one_b(const WaveCase& tested) {
  const Schedule schedule = tested.generate();
  const double plain = bubble(one_f_one_b({tested.ranks, tested.micro_batches}).value());
  const double peak_per_stage = static_cast<double>(peak(schedule)) / schedule.placement().chunks_per_rank();
  std::printf("ranks %d micro-batches %2d waves %d: bubble %5.2f (1F1B %5.2f), peak %5.2f (1F1B %d)\n", tested.ranks,
              tested.micro_batches, tested.waves, bubble(schedule), plain, peak_per_stage, tested.ranks);
  EXPECT_LT(bubble(schedule), plain);
  EXPECT_LT(peak_per_stage, 2 * tested.ranks);
}

TEST(Hanayo, HasASmallerBubbleThanOneFOneB) {
  for (const WaveCase& tested : wave_cases({1, 2, 3, 8}, 0)) expect_better_than_one_f_one_b(tested);
  for (const WaveCase& tested : wave_cases({1, 4}, 1)) expect_better_than_one_f_one_b(tested);
}

TEST(Hanayo, BubbleShrinksWithTheWavesWhereRoundsAreFull) {
  for (WaveCase tested : wave_cases({1, 2, 3, 8}, 0)) {
    if (tested.waves == 1) continue;
    const double more = bubble(tested.generate());
    tested.waves /= 2;
    EXPECT_LE(more, bubble(tested.generate())) << tested.ranks << " " << tested.micro_batches << " " << tested.waves;
  }
}

// One round leaves about 2(P-1) forwards of a whole stage, divided by the waves.
TEST(Hanayo, BubbleOfOneRoundIsInverseToTheWaves) {
  for (const WaveCase& tested : wave_cases({1}, 0)) {
    EXPECT_NEAR(bubble(tested.generate()), 2.0 * (tested.ranks - 1) / tested.waves, 0.5) << tested.ranks;
  }
}

}  // namespace
}  // namespace pipeloom::planner
