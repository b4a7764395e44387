// What the painter promises: whatever the zoom, a lane looks as idle as it is.
#include <gtest/gtest.h>

#include <QPainter>

#include "gui/timeline/timeline_painter.h"
#include "tests/gui/lanes.h"

namespace pipeloom::gui {
namespace {

// Everything that runs is black, idle time is white: the mean lightness of a lane is its idle share.
Theme black_and_white() {
  Theme theme = light_theme();
  theme.palette.lane = 0xffffffff;
  for (Look& look : theme.palette.looks) look = {0xff000000, 0xff000000, 0xff000000, Hatch::kNone};
  return theme;
}

double painted_idle_share(const PictureLane& lane, const TimeWindow& window) {
  const Theme theme = black_and_white();
  constexpr int kHeight = 16;
  QImage image(static_cast<int>(window.width), kHeight, QImage::Format_RGB32);
  LaneRaster().paint(lane, window, theme.palette, image, 0, 0, kHeight);
  double sum = 0;
  for (int x = 0; x < image.width(); ++x) sum += qGreen(image.pixel(x, kHeight / 2));
  return sum / 255 / image.width();
}

class PaintedShare : public testing::TestWithParam<size_t> {};

TEST_P(PaintedShare, IsWithinAPercentagePointOfTheTrueOneAtEveryZoom) {
  const PictureLane lane = tests::random_lane(GetParam(), 0.191, 5);
  const auto length = static_cast<double>(tests::end_of(lane));
  for (double zoom = 1; zoom < static_cast<double>(GetParam()); zoom *= 2) {
    for (const double at : {0.0, 0.43, 1.0}) {
      const double shown = length / zoom;
      const double begin = at * (length - shown);
      const double exact = tests::idle_share(lane, static_cast<int64_t>(begin), static_cast<int64_t>(begin + shown));
      EXPECT_NEAR(painted_idle_share(lane, {begin, begin + shown, 1788}), exact, 0.01)
          << "zoom " << zoom << " at " << at;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Spans, PaintedShare, testing::Values(1000, 30'000, 400'000));

TEST(LaneRaster, PaintsTheHalvesOfAPairInTheirColours) {
  PictureLane lane;
  lane.spans = {{0, 50, 0, kLookForward, kLookBackward}};
  lane.shares = ShareTable(lane.spans, 100);
  const Palette& palette = light_theme().palette;
  QImage image(100, 20, QImage::Format_RGB32);
  LaneRaster().paint(lane, {0, 100, 100}, palette, image, 0, 0, 20);
  EXPECT_EQ(image.pixel(20, 4), palette.looks[kLookForward].fill);
  EXPECT_EQ(image.pixel(20, 16), palette.looks[kLookBackward].fill);
  EXPECT_EQ(image.pixel(80, 4), palette.lane);
}

TEST(LaneRaster, MixesWhatSharesAColumn) {
  PictureLane lane;
  for (int i = 0; i < 100; ++i) lane.spans.push_back({i * 10, i * 10 + 5, 0, kLookForward, kLookForward});
  lane.shares = ShareTable(lane.spans, 1000);
  const Palette& palette = light_theme().palette;
  QImage image(10, 4, QImage::Format_RGB32);
  LaneRaster().paint(lane, {0, 1000, 10}, palette, image, 0, 0, 4);
  const QRgb half = mixed(palette.looks[kLookForward].fill, palette.lane, 0.5);
  for (int x = 0; x < 10; ++x) {
    EXPECT_NEAR(qRed(image.pixel(x, 0)), qRed(half), 4);
    EXPECT_NEAR(qBlue(image.pixel(x, 0)), qBlue(half), 4);
  }
}

TEST(LaneRaster, HatchesABubbleByItsCause) {
  PictureLane lane;
  lane.spans = {{0, 200, 0, kLookForward, kLookForward}};
  const uint8_t cause = kLookIdle0 + static_cast<int>(IdleCause::kWaitsForTask);
  lane.idle = {{200, 400, 0, cause, cause}};
  lane.shares = ShareTable(lane.spans, 400);
  const Palette& palette = light_theme().palette;
  QImage image(400, 16, QImage::Format_RGB32);
  LaneRaster().paint(lane, {0, 400, 400}, palette, image, 0, 0, 16);
  int ink = 0;
  int ground = 0;
  for (int x = 210; x < 390; ++x) {
    for (int y = 0; y < 16; ++y) {
      ink += image.pixel(x, y) == palette.looks[cause].ink ? 1 : 0;
      ground += image.pixel(x, y) == palette.lane ? 1 : 0;
    }
  }
  EXPECT_EQ(ink + ground, 180 * 16);
  EXPECT_EQ(ink, 180 * 16 / 4);  // one pixel in four of a rising line
}

TEST(LaneRaster, OffersLabelsOnlyWhereThereIsRoom) {
  PictureLane lane;
  lane.spans = {{0, 100, 0, 0, 0}, {100, 104, 1, 0, 0}, {104, 200, 2, 0, 0}};
  lane.shares = ShareTable(lane.spans, 200);
  QImage image(200, 16, QImage::Format_RGB32);
  LaneRaster raster;
  raster.paint(lane, {0, 200, 200}, light_theme().palette, image, 0, 0, 16);
  ASSERT_EQ(raster.labels().size(), 2u);
  EXPECT_EQ(raster.labels()[0].span->item, 0u);
  EXPECT_EQ(raster.labels()[1].span->item, 2u);
}

}  // namespace
}  // namespace pipeloom::gui
