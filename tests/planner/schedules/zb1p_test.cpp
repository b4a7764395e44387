#include <gtest/gtest.h>

#include "planner/schedules/zero_bubble.h"
#include "tests/planner/schedules/zero_bubble_support.h"

namespace pipeloom::tests {
namespace {

TEST(Zb1p, WeightsLagByTheRank) {
  planner::PipelineShape shape;
  shape.ranks = 2;
  shape.micro_batches = 3;
  EXPECT_EQ(text_of(orders_of(planner::zb1p(shape).value())),
            "F0.0 F1.0 I0.0 W0.0 F2.0 I1.0 W1.0 I2.0 W2.0 \n"
            "F0.1 I0.1 F1.1 I1.1 W0.1 F2.1 I2.1 W1.1 W2.1 \n");
}

TEST(ZbH1Quick, SplitsOnlyAtTheEnds) {
  planner::PipelineShape shape;
  shape.ranks = 2;
  shape.micro_batches = 4;
  EXPECT_EQ(text_of(orders_of(planner::zb_h1_quick(shape).value())),
            "F0.0 F1.0 B0.0 F2.0 B1.0 F3.0 B2.0 B3.0 \n"
            "F0.1 I0.1 F1.1 B1.1 F2.1 B2.1 F3.1 I3.1 W0.1 W3.1 \n");
}

TEST(ZbH1Quick, FillsAndDrainsAtOnceWithFewMicroBatches) {
  planner::PipelineShape shape;
  shape.ranks = 4;
  shape.micro_batches = 2;
  EXPECT_EQ(text_of(orders_of(planner::zb_h1_quick(shape).value())),
            "F0.0 F1.0 B0.0 B1.0 \n"
            "F0.1 F1.1 I0.1 I1.1 W0.1 W1.1 \n"
            "F0.2 F1.2 I0.2 I1.2 W0.2 W1.2 \n"
            "F0.3 I0.3 F1.3 I1.3 W0.3 W1.3 \n");
}

}  // namespace
}  // namespace pipeloom::tests
