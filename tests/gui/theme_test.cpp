#include "gui/timeline/theme.h"

#include <gtest/gtest.h>

#include <set>

namespace pipeloom::gui {
namespace {

class ThemeColours : public testing::TestWithParam<const Theme*> {};

TEST_P(ThemeColours, EveryLabelCanBeRead) {
  const Theme& theme = *GetParam();
  for (int name = 0; name < kLooks; ++name) {
    for (const int look : {name, name + kFaded}) {
      const Look& shown = theme.look(look);
      EXPECT_GE(contrast(shown.fill, shown.text), 4.5) << "look " << look;
    }
  }
  EXPECT_GE(contrast(theme.base.rgb(), theme.text.rgb()), 7);
  EXPECT_GE(contrast(theme.base.rgb(), theme.muted.rgb()), 4.5);
  EXPECT_GE(contrast(theme.window.rgb(), theme.muted.rgb()), 4.5);
  EXPECT_GE(contrast(theme.accent.rgb(), theme.accent_text.rgb()), 4.5);
}

// Grey scale is the hardest case: kinds that share a lightness must differ in their hatch.
TEST_P(ThemeColours, KindsDifferInLightnessOrHatch) {
  const Theme& theme = *GetParam();
  const int kinds[] = {kLookForward, kLookBackward, kLookInputBackward, kLookWeightBackward};
  for (const int a : kinds) {
    for (const int b : kinds) {
      if (a >= b) continue;
      const bool differ =
          contrast(theme.look(a).fill, theme.look(b).fill) >= 1.4 || theme.look(a).hatch != theme.look(b).hatch;
      EXPECT_TRUE(differ) << a << " and " << b;
    }
  }
}

TEST_P(ThemeColours, PipesDifferInLightness) {
  for (const int kind : {kLookForward, kLookBackward, kLookInputBackward, kLookWeightBackward}) {
    EXPECT_GE(contrast(GetParam()->look(kind).fill, GetParam()->look(kind + 1).fill), 1.25) << kind;
  }
}

INSTANTIATE_TEST_SUITE_P(Both, ThemeColours, testing::Values(&light_theme(), &dark_theme()));

TEST(Theme, MixesByShare) {
  EXPECT_EQ(mixed(0xff000000, 0xffffffff, 0), 0xff000000u);
  EXPECT_EQ(mixed(0xff000000, 0xffffffff, 1), 0xffffffffu);
  EXPECT_NEAR(qRed(mixed(0xff000000, 0xffffffff, 0.5)), 127, 1);
}

}  // namespace
}  // namespace pipeloom::gui
