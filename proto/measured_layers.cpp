#include "proto/measured_layers.h"

#include <fmt/format.h>

#include <limits>

#include "core/units.h"
#include "proto/csv.h"

namespace pipeloom {

namespace {

constexpr std::string_view kNames[] = {"layer", "f_us", "i_us", "w_us"};

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
  PIPELOOM_TRY(const std::vector<CsvRow> rows, parse_csv(path, csv, "layer,f_us,i_us,w_us"));
  std::vector<MeasuredLayer> layers;
  for (const CsvRow& row : rows) {
    int64_t values[std::size(kNames)];
    for (size_t i = 0; i < std::size(kNames); ++i) {
      const Result<int64_t> value = parse_cell(kNames[i], row.cells[i].text);
      if (!value) return bad_cell(path, row, i, value.error().message);
      values[i] = *value;
    }
    layers.push_back({static_cast<int>(values[0]), values[1], values[2], values[3]});
  }
  return layers;
}

}  // namespace pipeloom
