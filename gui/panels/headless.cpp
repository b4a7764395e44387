#include "gui/panels/headless.h"

#include <QCommandLineParser>
#include <cmath>
#include <cstdio>

#include "core/base/build_info.h"
#include "gui/models/document.h"
#include "gui/panels/export.h"
#include "gui/panels/window_manual.h"
#include "gui/timeline/frame.h"
#include "proto/manual/manual.h"

namespace pipeloom::gui {

namespace {

constexpr int kBadInput = 1;
constexpr int kBadUsage = 2;
constexpr const char* kFileWords =
    "jobs (.txtpb, .json), plans, PyTorch schedules (.csv) and profiles (.json, .json.gz), traces; several plans are "
    "compared";

// The colourings that a picture may be asked for, by name.
QStringList colour_names() {
  QStringList names;
  for (int i = 0; i < static_cast<int>(ColourBy::kError); ++i) names.append(colour_by_name(static_cast<ColourBy>(i)));
  return names;
}

std::vector<std::string> words_of(const QStringList& list) {
  std::vector<std::string> words;
  for (const QString& word : list) words.push_back(word.toStdString());
  return words;
}

Result<int64_t> parse_time(QString text) {
  double unit_ns = 1e6;
  for (const auto& [name, ns] :
       {std::pair("ms", 1e6), std::pair("us", 1e3), std::pair("ns", 1.0), std::pair("s", 1e9)}) {
    if (!text.endsWith(name)) continue;
    unit_ns = ns;
    text.chop(static_cast<qsizetype>(std::strlen(name)));
    break;
  }
  bool number = false;
  const double value = text.trimmed().toDouble(&number);
  if (!number || value < 0 || value * unit_ns > 9e18) {
    return invalid(text.toStdString() + " is no time; allowed are 40ms, 1.5s, 100us");
  }
  return std::llround(value * unit_ns);
}

}  // namespace

Result<std::pair<int64_t, int64_t>> parse_view(const QString& text) {
  const QStringList parts = text.split(':');
  if (parts.size() != 2) return invalid("--view is " + text.toStdString() + "; allowed is BEGIN:END, as in 0:40ms");
  std::pair<int64_t, int64_t> view = {0, INT64_MAX};
  // A begin without a unit has that of the end: 10:40ms.
  QString begin = parts[0];
  if (!begin.isEmpty() && begin.back().isDigit() && !parts[1].isEmpty()) {
    QString unit = parts[1];
    while (!unit.isEmpty() && (unit.front().isDigit() || unit.front() == '.')) unit.remove(0, 1);
    begin += unit;
  }
  if (!begin.isEmpty()) {
    PIPELOOM_TRY(view.first, parse_time(begin));
  }
  if (!parts[1].isEmpty()) {
    PIPELOOM_TRY(view.second, parse_time(parts[1]));
  }
  if (view.first >= view.second)
    return invalid("--view is " + text.toStdString() + "; allowed is a begin before its end");
  return view;
}

Result<QSize> parse_size(const QString& text) {
  const QStringList parts = text.split('x');
  const QSize size = parts.size() == 2 ? QSize(parts[0].toInt(), parts[1].toInt()) : QSize();
  constexpr int kLeast = 200;
  constexpr int kMost = 20000;
  if (size.width() < kLeast || size.height() < kLeast || size.width() > kMost || size.height() > kMost) {
    return invalid("--size is " + text.toStdString() + "; allowed is WIDTHxHEIGHT, each from 200 to 20000");
  }
  return size;
}

Options parse_options(const QStringList& arguments) {
  const QStringList colours = colour_names();
  QCommandLineParser parser;
  parser.setApplicationDescription(
      "Shows jobs, plans and traces: bubbles and their causes, overlap, memory; changes and compares plans.");
  parser.addPositionalArgument("FILE", kFileWords, "[FILE...]");
  const QCommandLineOption out("out", "draw a picture instead of showing a window", "x.png|x.svg");
  const QCommandLineOption view("view", "the stretch of time it shows", "0:40ms");
  const QCommandLineOption size("size", "of the window or picture", "1920x1080");
  const QCommandLineOption dark("dark", "light letters on a dark ground");
  const QCommandLineOption trace("trace", "lay this trace over the plan", "TRACE");
  const QCommandLineOption colour("colour", "what colours mean", colours.join("|"));
  const QCommandLineOption path("critical-path", "fade what does not decide the step");
  const QCommandLineOption components("components", "a lane of components");
  const QCommandLineOption memory("no-memory", "without the memory of each rank");
  const QCommandLineOption help({"h", "help"}, "this text");
  const QCommandLineOption version("version", "version, commit and what is built in");
  QCommandLineOption manual("write-manual", "the share folder to write man page and completions into", "FOLDER");
  manual.setFlags(QCommandLineOption::HiddenFromHelp);
  const QList<QCommandLineOption> all = {out,  view,       size,   dark, trace,   colour,
                                         path, components, memory, help, version, manual};
  parser.addOptions(all);
  Options options;
  const auto usage = [&](const std::string& text) {
    options.message = QString::fromStdString("pipeloom-gui: " + text + "\n");
    options.exit_code = kBadUsage;
    return options;
  };
  if (!parser.parse(arguments)) return usage(parser.errorText().toStdString());
  if (parser.isSet(help)) {
    options.message = parser.helpText();
    return options;
  }
  if (parser.isSet(version)) {
    const std::string qt = std::string("window (Qt ") + qVersion() + ")";
    options.message = QString::fromStdString(version_text("pipeloom-gui", build_info(), {{qt}}) + "\n");
    return options;
  }
  if (parser.isSet(manual)) {
    if (parser.value(manual).isEmpty()) return usage("--write-manual needs a FOLDER");
    options.manual_page = window_page(parser.applicationDescription(), kFileWords, all);
    proto::set_choices(options.manual_page, "--colour", words_of(colours));
    options.manual_folder = parser.value(manual);
    return options;
  }
  options.paths = parser.positionalArguments();
  options.out = parser.value(out);
  options.trace = parser.value(trace);
  options.dark = parser.isSet(dark);
  options.picture.critical_path = parser.isSet(path);
  options.rows.lanes[static_cast<size_t>(LaneRole::kComponents)] = parser.isSet(components);
  if (parser.isSet(memory)) options.rows.memory = ShowMemory::kNever;
  if (parser.isSet(view)) {
    const auto parsed = parse_view(parser.value(view));
    if (!parsed) return usage(parsed.error().message);
    options.view_ns = *parsed;
  }
  if (parser.isSet(size)) {
    const auto parsed = parse_size(parser.value(size));
    if (!parsed) return usage(parsed.error().message);
    options.size = *parsed;
  }
  if (parser.isSet(colour)) {
    const auto named = colours.indexOf(parser.value(colour));
    if (named < 0)
      return usage("--colour is " + (parser.value(colour) + "; allowed are " + colours.join(", ")).toStdString());
    options.picture.colour = static_cast<ColourBy>(named);
  }
  if (parser.isSet(out) && options.paths.isEmpty()) return usage("--out needs a FILE to draw");
  if (parser.isSet(out) && !options.out.endsWith(".png") && !options.out.endsWith(".svg")) {
    return usage("--out is " + options.out.toStdString() + "; allowed are names that end in .png or .svg");
  }
  return options;
}

namespace {

Result<std::vector<DocumentPointer>> open_all(const Options& options) {
  std::vector<std::string> paths;
  for (const QString& path : options.paths) paths.push_back(path.toStdString());
  PIPELOOM_TRY(std::vector<DocumentPointer> documents, open_documents(paths, options.picture));
  if (!options.trace.isEmpty()) {
    PIPELOOM_TRY(documents.front(), with_trace(*documents.front(), options.trace.toStdString()));
  }
  return documents;
}

Status draw(const Options& options) {
  PIPELOOM_TRY(const std::vector<DocumentPointer> documents, open_all(options));
  const Theme& theme = options.dark ? dark_theme() : light_theme();
  const QSize size = options.size.isValid() ? options.size : QSize(1280, 720);
  Frame frame;
  frame.theme = &theme;
  for (const DocumentPointer& document : documents) frame.pictures.push_back(document->picture.get());
  const std::vector<LegendEntry> legend = legend_of(frame.pictures, options.picture.colour);
  frame.width = size.width();
  frame.height = std::max(size.height() - paint_legend(nullptr, legend, theme, 10, frame.width), 100);
  RowOptions rows = options.rows;
  rows.titles = true;
  rows.lanes[static_cast<size_t>(LaneRole::kComponents)] |= !options.trace.isEmpty();
  frame.rows = layout_rows(frame.pictures, rows, frame.height - Frame::kRulerHeight);
  const double width = frame.width - Frame::kNamesWidth;
  const auto length_ns = static_cast<double>(frame.length_ns());
  frame.window = {0, length_ns, width};
  if (options.view_ns) {
    const double end_ns = std::min(static_cast<double>(options.view_ns->second), length_ns);
    const auto begin_ns = static_cast<double>(options.view_ns->first);
    if (begin_ns >= end_ns) {
      return invalid("--view begins after the end of the step, " +
                     documents.front()->picture->time_text(frame.length_ns()));
    }
    frame.window = {begin_ns, end_ns, width};
  }
  return write_picture(options.out, frame, legend);
}

// Prints the error, if there is one.
int exit_code_of(const Status& status) {
  if (status) return 0;
  std::fprintf(stderr, "pipeloom-gui: %s\n", status.error().message.c_str());
  return kBadInput;
}

}  // namespace

int draw_picture(const Options& options) {
  return exit_code_of(draw(options));
}

int write_window_manual(const Options& options) {
  return exit_code_of(
      proto::write_manual(options.manual_page, std::string(build_info().version), options.manual_folder.toStdString()));
}

}  // namespace pipeloom::gui
