#pragma once

#include <QColor>
#include <QRgb>
#include <array>
#include <cstdint>

#include "core/schedule/idle.h"

namespace pipeloom::gui {

// Names of the looks that a span can have; a Palette says how each is painted. From kScale0 on: a scale of kScaleSteps
// shades for colouring by a number (micro-batch, stage, slack, error).
enum LookName : uint8_t {
  kLookForward = 0,         // of even pipes; odd ones follow
  kLookBackward = 2,        // B, or the B of a pair
  kLookInputBackward = 4,   // I
  kLookWeightBackward = 6,  // W
  kLookDispatch = 8,
  kLookCombine = 9,
  kLookTransfer = 10,
  kLookReduction = 11,
  kLookOptimizer = 12,
  kLookWait = 13,
  kLookHidden = 14,   // communication beside compute
  kLookExposed = 15,  // communication alone
  kLookIdle0 = 16,    // + IdleCause
  kLookScale0 = 25,
  kLookRatio0 = 32,  // executed by planned: much shorter, ..., as planned, ..., much longer
};
inline constexpr int kScaleSteps = 7;
inline constexpr int kRatioSteps = 7;
inline constexpr int kLooks = kLookRatio0 + kRatioSteps;
// Added to a look: the same, faded (off the critical path, no match).
inline constexpr uint8_t kFaded = 64;
static_assert(kLooks <= kFaded);

// 8x8 tiles that tell kinds apart without colour.
enum class Hatch : uint8_t { kNone, kRising, kFalling, kCross, kDots, kHorizontal, kVertical, kSparse };
inline constexpr int kHatches = 8;
extern const uint8_t kHatchRows[kHatches][8];  // one bit per pixel
inline uint8_t hatch_row(Hatch hatch, int y) {
  return kHatchRows[static_cast<size_t>(hatch)][y & 7];
}

struct Look {
  QRgb fill = 0;
  QRgb ink = 0;   // of the hatch and of the edge between neighbours
  QRgb text = 0;  // contrast with `fill` at least 4.5
  Hatch hatch = Hatch::kNone;
};

// How looks are painted, and on what.
struct Palette {
  QRgb lane = 0;  // where nothing runs
  std::array<Look, 2 * kFaded> looks = {};
};

// Every colour of the program.
struct Theme {
  bool dark = false;
  QColor window;  // behind panels
  QColor base;    // behind the timeline and tables
  QColor raised;  // headers, cards
  QColor border;
  QColor text;
  QColor muted;        // second-rank text, contrast at least 4.5 on base
  QColor accent;       // selection, links
  QColor accent_text;  // on accent
  QColor critical;     // marks what decides the step
  QColor good;
  QColor bad;
  QColor memory;  // curve
  QColor memory_fill;
  QColor resident_fill;  // what is always there
  Palette palette;

  const Look& look(int name) const { return palette.looks[name]; }
};
const Theme& light_theme();
const Theme& dark_theme();

// By WCAG 2.1, 1.4.3: 1 to 21.
double contrast(QRgb a, QRgb b);
// `of_256`: how much of `b`, 0 to 256.
inline QRgb blended(QRgb a, QRgb b, uint32_t of_256) {
  const uint32_t even = (a & 0xff00ff) * (256 - of_256) + (b & 0xff00ff) * of_256;
  const uint32_t odd = ((a >> 8) & 0xff00ff) * (256 - of_256) + ((b >> 8) & 0xff00ff) * of_256;
  return ((even >> 8) & 0xff00ff) | (odd & 0xff00ff00);
}
inline QRgb mixed(QRgb a, QRgb b, double share_of_b) {
  return blended(a, b, static_cast<uint32_t>(share_of_b * 256 + 0.5));
}

}  // namespace pipeloom::gui
