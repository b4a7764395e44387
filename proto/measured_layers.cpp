#include "proto/measured_layers.h"

#include <fmt/format.h>

#include <limits>

#include "core/units.h"

namespace pipeloom {

namespace {

constexpr std::string_view kHeader = "layer,f_us,i_us,w_us";
constexpr std::string_view kNames[] = {"layer", "f_us", "i_us", "w_us"};
constexpr size_t kColumns = std::size(kNames);

struct Cell {
  std::string_view text;
  size_t column = 1;  // in the line, for messages
};

std::string_view take_line(std::string_view* rest) {
  const size_t end = std::min(rest->find('\n'), rest->size());
  std::string_view line = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::vector<Cell> split(std::string_view line) {
  std::vector<Cell> cells;
  size_t begin = 0;
  while (true) {
    const size_t end = std::min(line.find(',', begin), line.size());
    cells.push_back({line.substr(begin, end - begin), begin + 1});
    if (end == line.size()) return cells;
    begin = end + 1;
  }
}

Result<int64_t> parse_cell(std::string_view name, std::string_view text) {
  PIPELOOM_TRY(const int64_t millionths, parse_millionths(text));
  if (millionths < 0) return invalid(fmt::format("{} is {}; allowed is 0 or more", name, text));
  if (name != "layer") return (millionths + 500) / 1000;  // a millionth of a us is a thousandth of a ns
  const int64_t layer = millionths / 1'000'000;
  if (millionths % 1'000'000 != 0 || layer > std::numeric_limits<int>::max()) {
    return invalid(fmt::format("layer is {}; allowed are whole numbers from 0", text));
  }
  return layer;
}

}  // namespace

Result<std::vector<MeasuredLayer>> parse_measured_layers(std::string_view path, std::string_view csv) {
  const auto bad = [&](size_t line, size_t column, std::string_view what) {
    return invalid(fmt::format("{}:{}:{}: {}", path, line, column, what));
  };
  if (const std::string_view header = take_line(&csv); header != kHeader) {
    return bad(1, 1, fmt::format("the header is \"{}\"; expected \"{}\"", header, kHeader));
  }
  std::vector<MeasuredLayer> layers;
  for (size_t number = 2; !csv.empty(); ++number) {
    const std::string_view line = take_line(&csv);
    if (line.empty()) continue;
    const std::vector<Cell> cells = split(line);
    if (cells.size() != kColumns) return bad(number, 1, fmt::format("{} cells; expected {}", cells.size(), kColumns));
    int64_t values[kColumns];
    for (size_t i = 0; i < kColumns; ++i) {
      const Result<int64_t> value = parse_cell(kNames[i], cells[i].text);
      if (!value) return bad(number, cells[i].column, value.error().message);
      values[i] = *value;
    }
    layers.push_back({static_cast<int>(values[0]), values[1], values[2], values[3]});
  }
  return layers;
}

}  // namespace pipeloom
