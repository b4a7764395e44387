#include "gui/panels/export.h"

#include <QBuffer>
#include <QPainter>
#include <QSvgGenerator>

#include "gui/timeline/timeline_painter.h"
#include "proto/base/files.h"

namespace pipeloom::gui {

namespace {

void paint_all(QPaintDevice& device, const Frame& frame, const std::vector<LegendEntry>& legend, int legend_height) {
  QPainter painter(&device);
  TimelinePainter().paint(painter, frame);
  painter.translate(0, frame.height);
  painter.fillRect(0, 0, frame.width, legend_height, frame.theme->raised);
  paint_legend(&painter, legend, *frame.theme, 10, frame.width);
}

}  // namespace

Status write_picture(const QString& path, Frame frame, const std::vector<LegendEntry>& legend) {
  const int legend_height = paint_legend(nullptr, legend, *frame.theme, 10, frame.width);
  const QSize size(frame.width, frame.height + legend_height);
  QByteArray content;
  QBuffer buffer(&content);
  buffer.open(QIODevice::WriteOnly);
  if (path.endsWith(".svg")) {
    QSvgGenerator svg;
    svg.setOutputDevice(&buffer);
    svg.setSize(size);
    svg.setViewBox(QRect(QPoint(0, 0), size));
    svg.setTitle(frame.pictures.empty() ? "Pipeloom" : QString::fromStdString(frame.pictures.front()->title));
    paint_all(svg, frame, legend, legend_height);
  } else if (path.endsWith(".png")) {
    QImage image(size, QImage::Format_RGB32);
    paint_all(image, frame, legend, legend_height);
    image.save(&buffer, "PNG");
  } else {
    return invalid(path.toStdString() + ": a picture's name ends in .png or .svg");
  }
  return proto::write_file_atomically(path.toStdString(), content.toStdString());
}

}  // namespace pipeloom::gui
