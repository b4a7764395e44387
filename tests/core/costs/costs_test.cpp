#include "core/costs/costs.h"

#include <gtest/gtest.h>

namespace pipeloom {
namespace {

ScheduleCosts::Input good() {
  ScheduleCosts::Input input;
  input.stages.assign(2, StageCost::plain(10, 20, 30));
  input.pairs.assign(4, PairCost::plain(55));
  input.links = {LinkCost{5, 1'000'000'000}};
  input.message_bytes = {100};
  return input;
}

std::string error_of(const ScheduleCosts::Input& input) {
  const auto costs = ScheduleCosts::create(2, 2, input);
  return costs ? "none" : costs.error().message;
}

TEST(ScheduleCosts, AcceptsWhatIsGood) {
  EXPECT_EQ(error_of(good()), "none");
  const ScheduleCosts costs = ScheduleCosts::create(2, 2, good()).value();
  EXPECT_EQ(costs.stage(1).backward.duration_ns, 50);
  EXPECT_EQ(costs.occupancy_ns(costs.link(0, 1), 0), 100);
  EXPECT_EQ(costs.pair(0, 1).duration_ns, 55);
  EXPECT_FALSE(costs.latency_only());
}

TEST(ScheduleCosts, WithoutPairCostsAPairIsFThenB) {
  ScheduleCosts::Input input = good();
  input.pairs.clear();
  EXPECT_EQ(ScheduleCosts::create(2, 2, input)->pair(0, 1).duration_ns, 10 + 50);
}

TEST(ScheduleCosts, HasPairsOfFAndIOfTheirOwn) {
  ScheduleCosts::Input input = good();
  input.input_pairs = {PairCost::plain(42)};
  const ScheduleCosts costs = ScheduleCosts::create(2, 2, input).value();
  EXPECT_EQ(costs.pair(0, 1, 0, 0, SlotKind::kFI).duration_ns, 42);
  EXPECT_EQ(costs.pair(0, 1).duration_ns, 55);
  input.input_pairs.clear();
  const StageCost& stage = input.stages[1];
  EXPECT_EQ(ScheduleCosts::create(2, 2, input)->pair(0, 1, 0, 0, SlotKind::kFI).duration_ns,
            input.stages[0].forward.duration_ns + stage.input_backward.duration_ns);
}

TEST(ScheduleCosts, RoundsTheOccupancyUp) {
  ScheduleCosts::Input input = good();
  input.links = {LinkCost{0, 3}};
  input.message_bytes = {1};
  const ScheduleCosts costs = ScheduleCosts::create(2, 2, input).value();
  EXPECT_EQ(costs.occupancy_ns(costs.link(0, 1), 0), 333'333'334);
}

TEST(ScheduleCosts, RefusesEachIllegalField) {
  struct Case {
    void (*spoil)(ScheduleCosts::Input&);
    const char* message;
  };
  const Case cases[] = {
      {[](auto& input) { input.stages.pop_back(); },
       "costs are given for 1 stages; the schedule has 2 stages in 1 classes"},
      {[](auto& input) { input.stages[1].forward.duration_ns = -1; },
       "F of stage 1 takes -1 ns; allowed are 0 to 10000000000000"},
      {[](auto& input) { input.stages[1].weight_ns = ScheduleCosts::kMaxPassNs + 1; },
       "W of stage 1 takes 10000000000001 ns; allowed are 0 to 10000000000000"},
      {[](auto& input) { input.stages[0].forward.need_ns = 11; },
       "F of stage 0: need is 11 ns; it must lie within the pass (0 to 10)"},
      {[](auto& input) { input.stages[0].backward.ready_ns = -2; },
       "B of stage 0: ready is -2 ns; it must lie within the pass (0 to 50)"},
      {[](auto& input) { input.pairs[1] = PairCost::plain(49); },
       "the pair of F of stage 0 and B of stage 1 takes 49 ns; a pair takes at least as long as the longer of its "
       "passes "
       "(50 ns)"},
      {[](auto& input) { input.pairs[2].forward_ready_ns = 56; },
       "the pair of F of stage 1 and B of stage 0: forward ready is 56 ns; it must lie within the pass (0 to 55)"},
      {[](auto& input) { input.pairs.pop_back(); }, "3 pair costs are given; 2 stages need 4, or one for all"},
      {[](auto& input) { input.input_pairs = {PairCost::plain(9)}; },
       "a pair of F and I takes 9 ns; a pair takes at least as long as the longer of its passes (20 ns)"},
      {[](auto& input) { input.links.clear(); },
       "0 links are given; allowed are one for all or one per pair of ranks (4)"},
      {[](auto& input) { input.links[0].latency_ns = -1; }, "link latency is -1 ns; allowed are 0 to 10000000000000"},
      {[](auto& input) { input.links[0].bytes_per_s = -1; },
       "link bandwidth is -1 bytes/s; allowed are 0 (never occupied) and more"},
      {[](auto& input) { input.message_bytes = {-1}; }, "a message has -1 bytes; allowed are 0 to 2^50"},
      {[](auto& input) {
         input.message_bytes = {1, 2};
       },
       "message sizes are given for 2 classes; there are 1"},
      {[](auto& input) {
         input.class_of_micro_batch = {0, 1};
       },
       "a micro-batch is of class 1; there are 1"},
      {[](auto& input) { input.classes = 0; }, "micro-batch classes is 0; allowed are 1 to 256"},
  };
  for (const Case& one : cases) {
    ScheduleCosts::Input input = good();
    one.spoil(input);
    EXPECT_EQ(error_of(input), one.message);
  }
}

TEST(ScheduleCosts, RefusesALinkOnWhichAMessageTakesForever) {
  ScheduleCosts::Input input = good();
  input.links = {LinkCost{0, 1}};
  input.message_bytes = {int64_t{1} << 40};
  EXPECT_EQ(error_of(input), "sending one message takes 9223372036854775807 ns; allowed are 0 to 10000000000000");
}

}  // namespace
}  // namespace pipeloom
