#include "gui/timeline/rank_differences.h"

#include <gtest/gtest.h>

#include <QImage>

namespace pipeloom::gui {
namespace {

Picture picture_of(const char* title, std::vector<double> idle_shares) {
  Picture picture;
  picture.title = title;
  for (const double share : idle_shares) {
    picture.ranks.emplace_back();
    picture.ranks.back().idle_share = share;
  }
  return picture;
}

TEST(RankDifferences, AreShareAgainstShare) {
  const Picture base = picture_of("1F1B", {0.25, 0.5});
  EXPECT_EQ(idle_differences(base, picture_of("a", {0.5, 0.125})), (std::vector<double>{0.25, -0.375}));
  EXPECT_TRUE(idle_differences(base, picture_of("b", {0.5})).empty());
}

TEST(RankDifferences, MoreIdleTimePointsUpAndLessDown) {
  QImage image(600, 24, QImage::Format_RGB32);
  image.fill(Qt::white);
  QPainter painter(&image);
  const Theme& theme = light_theme();
  paint_idle_differences(painter, QRect(0, 0, 600, 24), picture_of("1F1B", {0, 0}), {0.1, -0.1}, theme);
  painter.end();
  const int first = 599 - 20 + 4;
  EXPECT_EQ(image.pixel(first, 4), theme.bad.rgb());
  EXPECT_EQ(image.pixel(first, 20), QColor(Qt::white).rgb());
  EXPECT_EQ(image.pixel(first + 10, 20), theme.good.rgb());
  EXPECT_EQ(image.pixel(first + 10, 4), QColor(Qt::white).rgb());
}

TEST(RankDifferences, WithoutRoomNothingIsPainted) {
  QImage image(60, 24, QImage::Format_RGB32);
  image.fill(Qt::white);
  const QImage before = image;
  QPainter painter(&image);
  paint_idle_differences(painter, QRect(0, 0, 60, 24), picture_of("1F1B", {0, 0}), {0.1, -0.1}, light_theme());
  painter.end();
  EXPECT_EQ(image, before);
}

}  // namespace
}  // namespace pipeloom::gui
