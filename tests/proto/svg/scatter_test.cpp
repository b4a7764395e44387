#include "proto/svg/scatter.h"

#include <gmock/gmock.h>

namespace pipeloom::proto {
namespace {

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Scatter, HasAMarkForEveryPointAndEveryGroup) {
  const std::string svg =
      scatter_to_svg("s", {{1, 1.1, "a", "first"}, {100, 90, "a", "second"}, {3, 3, "b<c", "third"}});
  EXPECT_EQ(count_of(svg, "<circle"), 3u);  // two points and the legend
  EXPECT_EQ(count_of(svg, "<title>"), 3u);
  EXPECT_THAT(svg, testing::HasSubstr("second: measured 100 s, predicted 90 s (-10.0 %)"));
  EXPECT_THAT(svg, testing::HasSubstr(">b&lt;c<"));
}

// A point that is predicted as measured lies on the diagonal.
TEST(Scatter, PutsRightPredictionsOnTheDiagonal) {
  const std::string svg = scatter_to_svg("s", {{1, 1, "a", ""}, {10, 10, "a", ""}});
  EXPECT_THAT(svg, testing::HasSubstr(R"(<circle cx="123.3" cy="606.7")"));
  EXPECT_THAT(svg, testing::HasSubstr(R"(<circle cx="656.7" cy="73.3")"));
}

TEST(Scatter, IsNothingWithoutPoints) {
  EXPECT_EQ(scatter_to_svg("s", {}), "");
}

}  // namespace
}  // namespace pipeloom::proto
