#include "backend/device/program/correlated_records.h"

#include <gtest/gtest.h>

namespace pipeloom::backend {
namespace {

TEST(CorrelatedRecords, LeadFromKernelsToTasks) {
  const CorrelatedCall calls[] = {{11, 5}, {12, 5}, {13, 8}};
  const CorrelatedRun runs[] = {{13, 300, 400}, {12, 150, 200}, {99, 1, 2}, {11, 100, 120}};
  const auto records = match_records(calls, runs);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].task, 8u);
  EXPECT_EQ(records[0].begin_ns, 300);
  EXPECT_EQ(records[0].end_ns, 400);
  EXPECT_EQ(records[1].task, 5u);
  EXPECT_EQ(records[2].task, 5u);
  EXPECT_EQ(records[2].begin_ns, 100);
}

}  // namespace
}  // namespace pipeloom::backend
