#include "gui/panels/legend.h"

#include <QPainter>
#include <array>

#include "gui/timeline/vector_lane.h"

namespace pipeloom::gui {

namespace {

constexpr int kLine = 22;
constexpr int kSwatchWidth = 20;
constexpr int kSwatchHeight = 13;

const char* name_of(int look) {
  switch (look) {
    case kLookForward:
      return "F forward";
    case kLookBackward:
      return "B backward";
    case kLookInputBackward:
      return "I input";
    case kLookWeightBackward:
      return "W weights";
    case kLookDispatch:
      return "dispatch";
    case kLookCombine:
      return "combine";
    case kLookTransfer:
      return "send";
    case kLookReduction:
      return "reduction";
    case kLookOptimizer:
      return "optimizer";
    case kLookHidden:
      return "hidden";
    case kLookExposed:
      return "exposed";
    case kLookRatio0:
      return "executed faster than planned";
    case kLookRatio0 + 3:
      return "as planned";
    case kLookRatio0 + 6:
      return "slower";
    default:
      return nullptr;
  }
}

}  // namespace

namespace {

// Which looks the picture has; those of odd pipes count as those of even ones.
void note_looks(const Picture& picture, std::array<bool, 2 * kFaded>& occurs, bool& odd_pipes) {
  for (const RankPicture& rank : picture.ranks) {
    for (const PictureLane& lane : rank.lanes) {
      for (const uint8_t look : lane.shares.looks()) {
        const int plain = look % kFaded;
        if (plain < kLookDispatch && plain % 2 == 1) odd_pipes = true;
        occurs[plain < kLookDispatch ? plain / 2 * 2 : plain] = true;
      }
      for (const LaneSpan& idle : lane.idle) occurs[idle.upper] = true;
    }
  }
}

}  // namespace

std::vector<LegendEntry> legend_of(std::span<const Picture* const> pictures, ColourBy colour) {
  std::array<bool, 2 * kFaded> occurs = {};
  bool odd_pipes = false;
  for (const Picture* picture : pictures) note_looks(*picture, occurs, odd_pipes);
  if (occurs[kLookRatio0 + 1] || occurs[kLookRatio0 + 2] || occurs[kLookRatio0 + 4] || occurs[kLookRatio0 + 5]) {
    occurs[kLookRatio0] = occurs[kLookRatio0 + 3] = occurs[kLookRatio0 + 6] = true;
  }
  std::vector<LegendEntry> entries;
  for (int look = 0; look < kLooks; ++look) {
    if (!occurs[look]) continue;
    if (look >= kLookIdle0 && look < kLookIdle0 + kIdleCauses) {
      const auto cause = static_cast<IdleCause>(look - kLookIdle0);
      entries.push_back({look, QString("idle: %1").arg(idle_cause_name(cause))});
    } else if (look == kLookScale0) {
      entries.push_back(
          {look, colour == ColourBy::kSlack ? "much slack" : QString("first %1").arg(colour_by_name(colour))});
    } else if (look == kLookScale0 + kScaleSteps - 1) {
      entries.push_back({look, colour == ColourBy::kSlack ? "none" : "last"});
    } else if (const char* name = name_of(look)) {
      entries.push_back({look, name});
    }
  }
  if (odd_pipes) entries.push_back({kLookForward + 1, "darker: second pipe"});
  return entries;
}

int paint_legend(QPainter* painter, const std::vector<LegendEntry>& entries, const Theme& theme, int left, int width) {
  QFont font = painter != nullptr ? painter->font() : QFont();
  font.setPixelSize(11);
  const QFontMetrics metrics(font);
  if (painter != nullptr) painter->setFont(font);
  int x = left;
  int y = 4;
  for (const LegendEntry& entry : entries) {
    const int entry_width = kSwatchWidth + 6 + metrics.horizontalAdvance(entry.text) + 16;
    if (x + entry_width > width && x > left) {
      x = left;
      y += kLine;
    }
    if (painter != nullptr) {
      const QRectF swatch(x, y + (kLine - kSwatchHeight) / 2.0, kSwatchWidth, kSwatchHeight);
      paint_swatch(*painter, theme.look(entry.look), swatch);
      if (entry.look == kLookForward + 1) {
        painter->fillRect(QRectF(swatch.left(), swatch.bottom() - 2, swatch.width(), 2),
                          QColor(theme.look(entry.look).ink));
      }
      painter->setBrush(Qt::NoBrush);
      painter->setPen(theme.border);
      painter->drawRect(swatch);
      painter->setPen(theme.text);
      painter->drawText(QRect(x + kSwatchWidth + 6, y, entry_width, kLine), Qt::AlignVCenter | Qt::AlignLeft,
                        entry.text);
    }
    x += entry_width;
  }
  return y + kLine + 4;
}

Legend::Legend(QWidget* parent) : QWidget(parent) {
  setObjectName("legend");
  QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Fixed);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
}

void Legend::show_entries(std::vector<LegendEntry> entries) {
  entries_ = std::move(entries);
  updateGeometry();
  update();
}

void Legend::set_theme(const Theme& theme) {
  theme_ = &theme;
  update();
}

int Legend::heightForWidth(int width) const {
  return paint_legend(nullptr, entries_, *theme_, 10, width);
}

void Legend::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.fillRect(rect(), theme_->raised);
  paint_legend(&painter, entries_, *theme_, 10, width());
}

}  // namespace pipeloom::gui
