// A frame of 1920x1080 with 64 lanes, by spans and zoom: raster, one core, after loading.
#include <benchmark/benchmark.h>

#include <QGuiApplication>
#include <QPainter>
#include <map>

#include "gui/models/document.h"
#include "gui/timeline/timeline_painter.h"
#include "planner/app/sm_split.h"
#include "tests/gui/lanes.h"

namespace pipeloom::gui {
namespace {

const Picture& picture_of(size_t spans) {
  static std::map<size_t, Picture> pictures;
  auto [place, fresh] = pictures.try_emplace(spans);
  if (fresh) place->second = tests::random_picture(64, spans / 64);
  return place->second;
}

void application() {
  static int argc = 1;
  static char name[] = "gui_bench";
  static char* argv[] = {name, nullptr};
  qputenv("QT_QPA_PLATFORM", "offscreen");
  static QGuiApplication instance(argc, argv);
}

// Arguments: millions of spans, zoom.
void paint_frame(benchmark::State& state) {
  application();
  const Picture& picture = picture_of(static_cast<size_t>(state.range(0)) * 1'000'000);
  const Theme& theme = light_theme();
  Frame frame;
  frame.pictures = {&picture};
  frame.theme = &theme;
  frame.width = 1920;
  frame.height = 1080;
  frame.rows = layout_rows(frame.pictures, {}, frame.height - Frame::kRulerHeight);
  const double length = static_cast<double>(picture.length_ns) / static_cast<double>(state.range(1));
  const double begin = (static_cast<double>(picture.length_ns) - length) / 3;
  frame.window = {begin, begin + length, static_cast<double>(frame.width - Frame::kNamesWidth)};
  QImage image(frame.width, frame.height, QImage::Format_RGB32);
  TimelinePainter timeline;
  for (auto _ : state) {
    QPainter painter(&image);
    timeline.paint(painter, frame);
  }
  benchmark::DoNotOptimize(image.constBits());
}
BENCHMARK(paint_frame)
    ->ArgNames({"millions", "zoom"})
    ->ArgsProduct({{5, 20}, {1, 4, 8, 16, 24, 32, 48, 64, 80, 96, 128, 256, 512, 1024, 2048, 4096, 16384, 65536}})
    ->Unit(benchmark::kMillisecond);

void build_share_table(benchmark::State& state) {
  const PictureLane lane = tests::random_lane(5'000'000 / 64, 0.2, 1);
  for (auto _ : state) benchmark::DoNotOptimize(ShareTable(lane.spans, tests::end_of(lane)));
}
BENCHMARK(build_share_table)->Unit(benchmark::kMillisecond);

// From a move of the slider to the picture that shows it, on the DeepSeek-V3 sample.
void split_sms(benchmark::State& state) {
  const auto document = open_sample("samples/deepseek-v3.txtpb", {});
  int sms = 8;
  for (auto _ : state) {
    auto subject = planner::with_comm_sms((*document)->step->subject, sms);
    benchmark::DoNotOptimize(with_subject(**document, std::move(*subject)));
    sms = sms == 32 ? 8 : sms + 1;
  }
}
BENCHMARK(split_sms)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pipeloom::gui
