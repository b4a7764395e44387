#include "gui/timeline/glyphs.h"

#include <QFont>
#include <QFontMetrics>
#include <QGuiApplication>
#include <QPainter>
#include <algorithm>
#include <map>
#include <memory>

#include "gui/timeline/theme.h"

namespace pipeloom {

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
    glyph.coverage.resize(static_cast<size_t>(glyph.advance) * (height_ + 2));
    for (int y = 0; y < height_ + 2; ++y) {
      for (int x = 0; x < glyph.advance; ++x) {
        glyph.coverage[static_cast<size_t>(y) * glyph.advance + x] = static_cast<uint8_t>(qAlpha(mask.pixel(x, y)));
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
  for (const char c : text) {
    const Glyph& one = glyph(c);
    for (int row = 0; row < height_ + 2; ++row) {
      if (y + row < 0 || y + row >= image.height()) continue;
      auto* pixels = reinterpret_cast<QRgb*>(image.scanLine(y + row));
      const uint8_t* coverage = one.coverage.data() + static_cast<size_t>(row) * one.advance;
      for (int column = std::max(0, left - x); column < std::min(one.advance, right - x); ++column) {
        if (coverage[column] == 0) continue;
        pixels[x + column] = blended(pixels[x + column], colour, coverage[column] + 1u);
      }
    }
    x += one.advance;
  }
}

}  // namespace pipeloom
