#pragma once

#include <QImage>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pipeloom::gui {

// Printable ASCII of one font size as covered pixels, for the thousands of short labels in a frame, each of which would
// cost QPainter microseconds.
class Glyphs {
 public:
  // Of the application's font. `pixel_size`: its size.
  static const Glyphs& of_size(int pixel_size);

  int width(std::string_view text) const;
  int height() const { return height_; }
  // Blends `colour` into a 32-bit image, clipped to it and to the columns [clip_left, clip_right).
  void draw(QImage& image, int x, int y, std::string_view text, QRgb colour, int clip_left, int clip_right) const;

 private:
  explicit Glyphs(int pixel_size);

  // A pixel that the glyph covers more or less of. Only those are kept: they are a quarter of its box.
  struct Dot {
    uint8_t x = 0;
    uint8_t y = 0;
    uint8_t coverage = 0;
  };
  struct Glyph {
    int advance = 0;
    std::vector<Dot> dots;
  };
  static constexpr char kFirst = 32;
  static constexpr char kLast = 126;
  const Glyph& glyph(char c) const { return glyphs_[c < kFirst || c > kLast ? 0 : c - kFirst]; }

  int height_ = 0;
  std::array<Glyph, kLast - kFirst + 1> glyphs_;
};

}  // namespace pipeloom::gui
