#include "backend/device/setup/sm_partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pipeloom::backend {
namespace {

using testing::HasSubstr;

// What an H100 holds (measured by nobody here: from the rules that CUDA 13.0's header gives).
TEST(SmPartition, AnH100HoldsWhatItsUnitsGive) {
  struct Case {
    int ranks, comm, compute, unit;
    bool clusters;
  };
  for (const Case& c : {Case{8, 4, 12, 4, false}, Case{8, 8, 8, 8, true}, Case{4, 8, 24, 8, true},
                        Case{2, 8, 56, 8, true}, Case{1, 20, 112, 8, true}}) {
    const auto partition = plan_sm_partition({}, c.ranks, c.comm);
    ASSERT_TRUE(partition) << partition.error().message;
    EXPECT_EQ(partition->compute_sms, c.compute) << describe(*partition);
    EXPECT_EQ(partition->comm_sms, c.comm);
    EXPECT_EQ(partition->unit, c.unit) << describe(*partition);
    EXPECT_EQ(partition->large_clusters, c.clusters) << describe(*partition);
  }
}

TEST(SmPartition, NothingIsGivenTwice) {
  for (const int sms : {80, 108, 114, 132, 144}) {
    for (int ranks = 1; ranks <= 16; ++ranks) {
      for (int comm = 0; comm < sms / ranks; ++comm) {
        const auto found = plan_sm_partition({.sms = sms}, ranks, comm);
        if (!found) continue;
        EXPECT_EQ(found->comm_sms, comm);
        EXPECT_GT(found->compute_sms, 0);
        EXPECT_EQ(ranks * (found->compute_sms + comm) + found->unused_sms, sms) << describe(*found);
        EXPECT_GE(found->unused_sms, 0);
        if (found->unit == 0) continue;
        EXPECT_LE(found->units(), sms / found->unit);
        EXPECT_EQ(found->compute_sms % found->unit, 0);
        EXPECT_EQ(found->unit % (found->large_clusters ? 8 : 2), 0);
        EXPECT_EQ(comm % found->unit, found->comm_from_remainder ? sms % found->unit : 0);
      }
    }
  }
}

TEST(SmPartition, ARankAloneIsNotSplitWithoutCommunication) {
  const SmPartition alone = plan_sm_partition({}, 1, 0).value();
  EXPECT_EQ(alone.compute_sms, 132);
  EXPECT_EQ(alone.unit, 0);
  EXPECT_EQ(plan_sm_partition({}, 4, 0)->compute_sms, 32);
}

TEST(SmPartition, SaysWhatCanBeHadInstead) {
  const auto odd = plan_sm_partition({}, 4, 7);
  ASSERT_FALSE(odd);
  EXPECT_THAT(odd.error().message, HasSubstr("132 SMs can't be split into 4 x 7"));
  EXPECT_THAT(odd.error().message, HasSubstr("comm_sms may be 6 (and 26 for computation) or 8 (and 24 for"));
  const auto all = plan_sm_partition({}, 1, 132);
  ASSERT_FALSE(all);
  EXPECT_THAT(all.error().message, HasSubstr("may be 130 (and 2 for computation)"));
  EXPECT_THAT(plan_sm_partition({}, 80, 2).error().message, HasSubstr("fewer ranks"));
  EXPECT_THAT(plan_sm_partition({}, 0, 2).error().message, HasSubstr("one at least"));
  EXPECT_THAT(plan_sm_partition({}, 1, -1).error().message, HasSubstr("0 or more"));
}

TEST(SmPartition, AllCommunicatorsFitAtOnce) {
  EXPECT_EQ(nccl_ctas(20, 6), 2);
  EXPECT_EQ(nccl_ctas(20, 0), 16);
  EXPECT_EQ(nccl_ctas(4, 6), 1);  // no less can be had: some wait for others
}

TEST(SmPartition, NcclGetsAPowerOfTwo) {
  EXPECT_EQ(nccl_ctas(20, 1), 16);
  EXPECT_EQ(nccl_ctas(8, 1), 8);
  EXPECT_EQ(nccl_ctas(132, 1), 32);
}

}  // namespace
}  // namespace pipeloom::backend
