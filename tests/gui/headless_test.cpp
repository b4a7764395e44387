#include "gui/panels/headless.h"

#include <gtest/gtest.h>

#include <QSvgRenderer>

#include "tests/gui/window.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::gui {
namespace {

Options options_of(const QStringList& arguments) {
  return parse_options(QStringList("pipeloom-gui") + arguments);
}

TEST(Headless, ReadsViewsAndSizes) {
  EXPECT_EQ(*parse_view("0:40ms"), std::pair(int64_t{0}, int64_t{40'000'000}));
  EXPECT_EQ(*parse_view("10:40us"), std::pair(int64_t{10'000}, int64_t{40'000}));
  EXPECT_EQ(*parse_view("1.5s:2s"), std::pair(int64_t{1'500'000'000}, int64_t{2'000'000'000}));
  EXPECT_EQ(parse_view("1s:")->second, INT64_MAX);
  for (const char* bad : {"", "5", "5:1", "a:b", "1:2:3", "-1:2"}) EXPECT_FALSE(parse_view(bad)) << bad;
  EXPECT_EQ(*parse_size("1920x1080"), QSize(1920, 1080));
  for (const char* bad : {"", "1920", "0x5", "axb", "99999x99999"}) EXPECT_FALSE(parse_size(bad)) << bad;
}

TEST(Headless, BadUsageIsSaidAndHasExitCodeTwo) {
  for (const QStringList& bad :
       {QStringList{"--out", "x.png"}, QStringList{"a.plan", "--out", "x.gif"}, QStringList{"a.plan", "--out", ""},
        QStringList{"--write-manual", ""}, QStringList{"--size", "big"}, QStringList{"--view", "x"},
        QStringList{"--colour", "taste"}, QStringList{"--nonsense"}}) {
    const Options options = options_of(bad);
    EXPECT_EQ(options.exit_code, 2) << bad.join(' ').toStdString();
    EXPECT_FALSE(options.message.isEmpty());
  }
  EXPECT_EQ(options_of({"--help"}).exit_code, 0);
}

class HeadlessPicture : public testing::Test {
 protected:
  QString path(const char* name) const { return QString::fromStdString(folder_.path(name)); }

  const tests::TempFolder folder_;
  const QString plan_ = QString::fromStdString(tests::plan_file(folder_.path("a.plan"), "dualpipe", 4, 8));
};

TEST_F(HeadlessPicture, HasTheSizeThatWasAskedFor) {
  ASSERT_EQ(draw_picture(options_of({plan_, "--out", path("x.png"), "--size", "900x400"})), 0);
  EXPECT_EQ(QImage(path("x.png")).size(), QSize(900, 400));
}

TEST_F(HeadlessPicture, IsDarkOnDemand) {
  ASSERT_EQ(draw_picture(options_of({plan_, "--out", path("x.png"), "--dark"})), 0);
  EXPECT_LT(qGray(QImage(path("x.png")).pixel(1270, 5)), 60);
}

TEST_F(HeadlessPicture, ShowsTheViewThatWasAskedFor) {
  ASSERT_EQ(draw_picture(options_of({plan_, "--out", path("whole.png")})), 0);
  ASSERT_EQ(draw_picture(options_of({plan_, "--out", path("part.png"), "--view", "0:5ms"})), 0);
  EXPECT_NE(tests::content_of(path("whole.png").toStdString()), tests::content_of(path("part.png").toStdString()));
  EXPECT_EQ(draw_picture(options_of({plan_, "--out", path("none.png"), "--view", "500s:600s"})), 1);
}

TEST_F(HeadlessPicture, IsAnSvgWithTheSamePasses) {
  ASSERT_EQ(draw_picture(options_of({plan_, "--out", path("x.svg"), "--size", "900x400"})), 0);
  QSvgRenderer renderer(path("x.svg"));
  ASSERT_TRUE(renderer.isValid());
  QImage image(900, 400, QImage::Format_RGB32);
  QPainter painter(&image);
  renderer.render(&painter);
  const QRgb forward = light_theme().look(kLookForward).fill;
  int found = 0;
  for (int x = 0; x < image.width(); ++x) {
    for (int y = 0; y < image.height(); ++y) found += image.pixel(x, y) == forward ? 1 : 0;
  }
  EXPECT_GT(found, 500);
}

TEST_F(HeadlessPicture, SaysWhatIsWrongWithAFile) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(draw_picture(options_of({path("missing.plan"), "--out", path("x.png")})), 1);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("missing.plan"), std::string::npos);
  EXPECT_FALSE(QFile::exists(path("x.png")));
}

}  // namespace
}  // namespace pipeloom::gui
