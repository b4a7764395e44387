#include "gui/timeline/rank_differences.h"

#include <QFontMetrics>
#include <algorithm>
#include <cmath>

namespace pipeloom::gui {

namespace {

constexpr int kWidest = 10;  // of a bar, with the gap to the next
constexpr int kNarrowest = 3;
constexpr int kMostWidth = 320;  // of all bars

QString points(double share) {
  return QString(share < 0 ? "-" : "+") + QString::number(std::abs(share) * 100, 'f', 1);
}

// "idle against 1F1B, by rank: -16.2 to -15.0 points"
QString words(const Picture& base, const std::vector<double>& differences) {
  const auto [least, most] = std::minmax_element(differences.begin(), differences.end());
  const QString from = points(*least);
  const QString to = points(*most);
  return QString("idle against %1, by rank: %2 points")
      .arg(QString::fromStdString(base.title), from == to ? from : from + " to " + to);
}

}  // namespace

std::vector<double> idle_differences(const Picture& base, const Picture& picture) {
  if (base.ranks.size() != picture.ranks.size()) return {};
  std::vector<double> differences;
  for (size_t rank = 0; rank < base.ranks.size(); ++rank) {
    differences.push_back(picture.ranks[rank].idle_share - base.ranks[rank].idle_share);
  }
  return differences;
}

void paint_idle_differences(QPainter& painter, const QRect& place, const Picture& base,
                            const std::vector<double>& differences, const Theme& theme) {
  const int ranks = static_cast<int>(differences.size());
  if (ranks == 0) return;
  const int step = std::clamp(kMostWidth / ranks, kNarrowest, kWidest);
  const QString text = words(base, differences);
  const int text_width = QFontMetrics(painter.font()).horizontalAdvance(text);
  if (step * ranks + text_width + 12 > place.width()) return;
  const int left = place.right() - step * ranks;
  painter.setPen(theme.muted);
  painter.drawText(QRect(left - text_width - 12, place.top(), text_width, place.height()),
                   Qt::AlignVCenter | Qt::AlignLeft, text);
  const int middle = place.center().y();
  const int tallest = place.height() / 2 - 1;
  double largest = 0;
  for (const double difference : differences) largest = std::max(largest, std::abs(difference));
  painter.fillRect(left, middle, step * ranks, 1, theme.border);
  for (int rank = 0; rank < ranks && largest > 0; ++rank) {
    const int height = static_cast<int>(std::lround(std::abs(differences[rank]) / largest * tallest));
    const bool worse = differences[rank] > 0;
    painter.fillRect(left + rank * step, worse ? middle - height : middle + 1, step - 1, height,
                     worse ? theme.bad : theme.good);
  }
}

}  // namespace pipeloom::gui
