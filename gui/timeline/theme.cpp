#include "gui/timeline/theme.h"

#include <algorithm>
#include <cmath>

namespace pipeloom::gui {

const uint8_t kHatchRows[kHatches][8] = {
    {},                                                // none
    {0x88, 0x44, 0x22, 0x11, 0x88, 0x44, 0x22, 0x11},  // rising
    {0x11, 0x22, 0x44, 0x88, 0x11, 0x22, 0x44, 0x88},  // falling
    {0x81, 0x42, 0x24, 0x18, 0x18, 0x24, 0x42, 0x81},  // cross
    {0x00, 0x22, 0x00, 0x00, 0x00, 0x88, 0x00, 0x00},  // dots
    {0x00, 0xff, 0x00, 0x00, 0x00, 0xff, 0x00, 0x00},  // horizontal
    {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11},  // vertical
    {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80},  // sparse
};

namespace {

double luminance(QRgb colour) {
  const auto linear = [](int channel) {
    const double value = channel / 255.0;
    return value <= 0.03928 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(qRed(colour)) + 0.7152 * linear(qGreen(colour)) + 0.0722 * linear(qBlue(colour));
}

constexpr QRgb kBlackText = 0xff14171c;
constexpr QRgb kWhiteText = 0xffffffff;

// Black or white, whichever reads better; the ink is a darker (on dark fills a lighter) shade of the fill.
Look look(QRgb fill, Hatch hatch = Hatch::kNone) {
  const QRgb text = contrast(fill, kBlackText) > contrast(fill, kWhiteText) ? kBlackText : kWhiteText;
  return {fill, mixed(fill, text == kBlackText ? 0xff000000 : 0xffffffff, 0.28), text, hatch};
}

// Kinds differ in lightness and hatch as well as in hue: blue, orange, pale yellow, green (Okabe and Ito's for people
// who do not see red and green apart). Odd pipes are a step darker.
void add_kinds(Palette& palette) {
  auto& looks = palette.looks;
  looks[kLookForward] = look(0xff2f6fba);
  looks[kLookForward + 1] = look(0xff173f7c);
  looks[kLookBackward] = look(0xfff2b544);
  looks[kLookBackward + 1] = look(0xffd98a1c);
  looks[kLookInputBackward] = look(0xfff8dd9a, Hatch::kDots);
  looks[kLookInputBackward + 1] = look(0xffeec063, Hatch::kDots);
  looks[kLookWeightBackward] = look(0xff8cc9a1, Hatch::kFalling);
  looks[kLookWeightBackward + 1] = look(0xff4f9e73, Hatch::kFalling);
  looks[kLookDispatch] = look(0xffb48bd6);
  looks[kLookCombine] = look(0xff7d55a8, Hatch::kRising);
  looks[kLookTransfer] = look(0xff8a97a6);
  looks[kLookReduction] = look(0xffd983ac, Hatch::kVertical);
  looks[kLookOptimizer] = look(0xff7c8794, Hatch::kCross);
  looks[kLookWait] = look(0xffc9ced6, Hatch::kDots);
  looks[kLookHidden] = look(0xff3f9e86);
  looks[kLookExposed] = look(0xffb93445, Hatch::kVertical);
}

// Dark to light, lightness rising evenly (after viridis).
void add_scale(Palette& palette) {
  static constexpr QRgb kScale[kScaleSteps] = {0xff3b1f5b, 0xff3f4788, 0xff31688e, 0xff21918c,
                                               0xff35b779, 0xff90d743, 0xfffde725};
  for (int step = 0; step < kScaleSteps; ++step) palette.looks[kLookScale0 + step] = look(kScale[step]);
}

// Blue is shorter than planned, orange longer; the far ends are hatched.
void add_ratios(Palette& palette) {
  auto& looks = palette.looks;
  looks[kLookRatio0] = look(0xff1f4e9c, Hatch::kFalling);
  looks[kLookRatio0 + 1] = look(0xff5b8fd0);
  looks[kLookRatio0 + 2] = look(0xffa9c8ea);
  looks[kLookRatio0 + 3] = look(0xffc4cad2);
  looks[kLookRatio0 + 4] = look(0xfff6cf8f);
  looks[kLookRatio0 + 5] = look(0xffe8963a);
  looks[kLookRatio0 + 6] = look(0xffb4521a, Hatch::kRising);
}

// Idle time stays near the empty lane; the hatch says why, its ink reaches a contrast of 3.
void add_causes(Palette& palette, QRgb ink) {
  static constexpr Hatch kHatches[kIdleCauses] = {
      Hatch::kSparse,      // warm-up
      Hatch::kRising,      // waits for task
      Hatch::kHorizontal,  // exposed transfer
      Hatch::kDots,        // no credit
      Hatch::kVertical,    // link busy
      Hatch::kCross,       // SMs busy
      Hatch::kFalling,     // memory cap
      Hatch::kCross,       // optimizer barrier
      Hatch::kSparse,      // drain
  };
  for (int cause = 0; cause < kIdleCauses; ++cause) {
    palette.looks[kLookIdle0 + cause] = {palette.lane, mixed(palette.lane, ink, 0.5), ink, kHatches[cause]};
  }
}

void add_faded(Palette& palette) {
  for (int name = 0; name < kFaded; ++name) {
    Look faded = palette.looks[name];
    faded.fill = mixed(faded.fill, palette.lane, 0.72);
    faded.ink = mixed(faded.ink, palette.lane, 0.72);
    faded.text = mixed(faded.text, palette.lane, 0.3);
    if (contrast(faded.text, faded.fill) < 4.5) {
      faded.text = contrast(faded.fill, kBlackText) > contrast(faded.fill, kWhiteText) ? kBlackText : kWhiteText;
    }
    palette.looks[name + kFaded] = faded;
  }
}

Palette palette_on(QRgb lane, QRgb ink) {
  Palette palette;
  palette.lane = lane;
  add_kinds(palette);
  add_scale(palette);
  add_ratios(palette);
  add_causes(palette, ink);
  add_faded(palette);
  return palette;
}

}  // namespace

double contrast(QRgb a, QRgb b) {
  const auto [dark, light] = std::minmax({luminance(a), luminance(b)});
  return (light + 0.05) / (dark + 0.05);
}

const Theme& light_theme() {
  static const Theme theme = {.dark = false,
                              .window = QColor(0xf3f5f8),
                              .base = QColor(0xffffff),
                              .raised = QColor(0xf8f9fb),
                              .border = QColor(0xd5dae1),
                              .text = QColor(0x1a1f27),
                              .muted = QColor(0x5a6472),
                              .accent = QColor(0x1f5fbf),
                              .accent_text = QColor(0xffffff),
                              .critical = QColor(0xb3261e),
                              .good = QColor(0x1b7a4b),
                              .bad = QColor(0xb3261e),
                              .memory = QColor(0x56697f),
                              .memory_fill = QColor(0xb9c7d8),
                              .resident_fill = QColor(0xdde4ec),
                              .palette = palette_on(0xffeef1f5, 0xff4a5563)};
  return theme;
}

const Theme& dark_theme() {
  static const Theme theme = {.dark = true,
                              .window = QColor(0x1b1e24),
                              .base = QColor(0x14171c),
                              .raised = QColor(0x22262e),
                              .border = QColor(0x3a414c),
                              .text = QColor(0xe8ebf0),
                              .muted = QColor(0xa3adba),
                              .accent = QColor(0x6ea8fe),
                              .accent_text = QColor(0x0d1117),
                              .critical = QColor(0xff8a80),
                              .good = QColor(0x6fd3a0),
                              .bad = QColor(0xff8a80),
                              .memory = QColor(0x93a7bf),
                              .memory_fill = QColor(0x44566b),
                              .resident_fill = QColor(0x2d3744),
                              .palette = palette_on(0xff262b33, 0xffb4bfcc)};
  return theme;
}

}  // namespace pipeloom::gui
