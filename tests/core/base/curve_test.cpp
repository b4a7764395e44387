#include "core/base/curve.h"

#include <gtest/gtest.h>

namespace pipeloom {
namespace {

TEST(Curve, GoesThroughItsPointsAndBetweenThem) {
  const Curve curve = Curve::create("curve", {{1, 10}, {100, 1000}, {200, 500}}).value();
  EXPECT_DOUBLE_EQ(curve.at(1), 10);
  EXPECT_DOUBLE_EQ(curve.at(10), 100);  // a power law between the first two
  EXPECT_DOUBLE_EQ(curve.at(100), 1000);
  EXPECT_DOUBLE_EQ(curve.at(200), 500);
}

TEST(Curve, IsConstantOutside) {
  const Curve curve = Curve::create("curve", {{1, 10}, {100, 1000}}).value();
  EXPECT_DOUBLE_EQ(curve.at(0.1), 10);
  EXPECT_DOUBLE_EQ(curve.at(1e6), 1000);
  EXPECT_DOUBLE_EQ(Curve::create("curve", {{5, 3}})->at(7), 3);
}

TEST(Curve, RefusesWhatIsNoCurve) {
  EXPECT_EQ(Curve::create("curve", {{2, 1}, {1, 1}}).error().message,
            "curve[1].x is 1; it must be above the point before (2)");
  EXPECT_EQ(Curve::create("curve", {{1, 0}}).error().message, "curve[0].y is 0; allowed are 1e-12 to 1e+21");
}

}  // namespace
}  // namespace pipeloom
