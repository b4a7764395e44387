#include "proto/published/published_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "proto/published/quoted_csv.h"

namespace pipeloom::proto {

namespace {

// Columns that say what was measured; all others are settings.
constexpr std::array<std::string_view, 4> kFigureColumns = {"metric", "value", "unit", "memory_counter"};

struct Header {
  std::vector<std::string> columns;

  size_t place_of(std::string_view column) const {
    return static_cast<size_t>(std::ranges::find(columns, column) - columns.begin());
  }
};

Status check_header(std::string_view path, const Header& header) {
  for (const std::string_view needed : {"id", "model", "gpu", "num_gpus", "metric", "value"}) {
    if (header.place_of(needed) == header.columns.size()) {
      return invalid(fmt::format("{}:1: the header has no column {}", path, needed));
    }
  }
  return {};
}

Result<double> parse_value(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value > 0 && value < 1e15) return value;
  return invalid(fmt::format("value is \"{}\"; allowed are numbers above 0", text));
}

PublishedTraining training_of(const Header& header, const QuotedRow& row) {
  PublishedTraining training;
  for (size_t i = 0; i < header.columns.size(); ++i) {
    const bool is_figure = std::ranges::find(kFigureColumns, header.columns[i]) != kFigureColumns.end();
    if (!is_figure && !row.cells[i].empty()) training.settings[header.columns[i]] = row.cells[i];
  }
  training.id = std::string(training.text("id"));
  return training;
}

Result<PublishedFigure> figure_of(const Header& header, const QuotedRow& row) {
  const auto cell = [&](std::string_view column) {
    const size_t place = header.place_of(column);
    return place < row.cells.size() ? row.cells[place] : std::string();
  };
  PublishedFigure figure = {cell("metric"), 0, cell("unit"), cell("memory_counter")};
  PIPELOOM_TRY(figure.value, parse_value(cell("value")));
  return figure;
}

}  // namespace

std::string_view PublishedTraining::text(std::string_view column) const {
  const auto found = settings.find(column);
  return found == settings.end() ? std::string_view() : std::string_view(found->second);
}

Result<std::vector<PublishedTraining>> parse_published(std::string_view path, std::string_view csv) {
  PIPELOOM_TRY(const std::vector<QuotedRow> rows, parse_quoted_csv(path, csv));
  if (rows.empty()) return invalid(fmt::format("{}:1: the header is missing", path));
  const Header header = {rows.front().cells};
  PIPELOOM_RETURN_IF_ERROR(check_header(path, header));
  std::vector<PublishedTraining> trainings;
  std::map<std::string, size_t> of_id;
  for (size_t i = 1; i < rows.size(); ++i) {
    const QuotedRow& row = rows[i];
    if (row.cells.size() != header.columns.size()) {
      return invalid(
          fmt::format("{}:{}: {} cells; the header has {}", path, row.line, row.cells.size(), header.columns.size()));
    }
    const auto figure = figure_of(header, row);
    if (!figure) return invalid(fmt::format("{}:{}: {}", path, row.line, figure.error().message));
    const auto [place, is_new] = of_id.emplace(row.cells[header.place_of("id")], trainings.size());
    if (is_new) trainings.push_back(training_of(header, row));
    trainings[place->second].figures.push_back(*figure);
  }
  return trainings;
}

}  // namespace pipeloom::proto
