#include "gui/timeline/glyphs.h"

#include <QFont>
#include <QFontMetrics>
#include <QGuiApplication>
#include <QPainter>
#include <algorithm>
#include <map>
#include <memory>

#include "gui/timeline/theme.h"

namespace pipeloom::gui {

const Glyphs& Glyphs::of_size(int pixel_size) {
  static std::map<int, std::unique_ptr<const Glyphs>> sizes;  // painting is the business of one thread
  auto& glyphs = sizes[pixel_size];
  if (!glyphs) glyphs.reset(new Glyphs(pixel_size));
  return *glyphs;
}

Glyphs::Glyphs(int pixel_size) {
  QFont font = QGuiApplication::font();
  font.setPixelSize(pixel_size);
  const QFontMetrics metrics(font);
  height_ = metrics.capHeight() + 2;
  for (char c = kFirst; c <= kLast; ++c) {
    Glyph& glyph = glyphs_[c - kFirst];
    glyph.advance = metrics.horizontalAdvance(QLatin1Char(c));
    // Room below the base line for descenders, which are cut to a pixel.
    QImage mask(std::max(glyph.advance, 1), height_ + 2, QImage::Format_ARGB32_Premultiplied);
    mask.fill(Qt::transparent);
    QPainter painter(&mask);
    painter.setFont(font);
    painter.setPen(Qt::white);
    painter.drawText(0, height_ - 1, QString(QLatin1Char(c)));
    painter.end();
    for (int y = 0; y < height_ + 2; ++y) {
      for (int x = 0; x < glyph.advance; ++x) {
        const int coverage = qAlpha(mask.pixel(x, y));
        if (coverage == 0) continue;
        glyph.dots.push_back({static_cast<uint8_t>(x), static_cast<uint8_t>(y), static_cast<uint8_t>(coverage)});
      }
    }
  }
}

int Glyphs::width(std::string_view text) const {
  int width = 0;
  for (const char c : text) width += glyph(c).advance;
  return width;
}

void Glyphs::draw(QImage& image, int x, int y, std::string_view text, QRgb colour, int clip_left,
                  int clip_right) const {
  const int left = std::max(clip_left, 0);
  const int right = std::min(clip_right, image.width());
  const bool all_rows = y >= 0 && y + height_ + 2 <= image.height();
  const auto stride = static_cast<ptrdiff_t>(image.bytesPerLine() / sizeof(QRgb));
  auto* const pixels = reinterpret_cast<QRgb*>(image.bits());
  for (const char c : text) {
    const Glyph& one = glyph(c);
    const bool whole = all_rows && x >= left && x + one.advance <= right;
    for (const Dot dot : one.dots) {
      const int column = x + dot.x;
      const int row = y + dot.y;
      if (!whole && (column < left || column >= right || row < 0 || row >= image.height())) continue;
      QRgb& pixel = pixels[row * stride + column];
      pixel = blended(pixel, colour, dot.coverage + 1u);
    }
    x += one.advance;
  }
}

}  // namespace pipeloom::gui
