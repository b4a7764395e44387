#include "proto/job/measured_layers.h"

#include <fmt/format.h>

#include <limits>

#include "core/base/units.h"
#include "proto/base/csv.h"

namespace pipeloom::proto {

namespace {

constexpr std::string_view kHeader = "layer,f_us,i_us,w_us";
constexpr std::string_view kComponentHeader = "layer,component,f_us,i_us,w_us";
constexpr std::string_view kNames[] = {"layer", "f_us", "i_us", "w_us"};

Result<int64_t> parse_cell(std::string_view name, std::string_view text) {
  PIPELOOM_TRY(const int64_t millionths, parse_millionths(text));
  const bool is_layer = name == "layer";
  if (millionths < 0 && !(is_layer && millionths == -1'000'000)) {
    return invalid(fmt::format("{} is {}; allowed is 0 or more", name, text));
  }
  if (!is_layer) return (millionths + 500) / 1000;  // a millionth of a us is a thousandth of a ns
  const int64_t layer = millionths / 1'000'000;
  if (millionths % 1'000'000 != 0 || layer > std::numeric_limits<int>::max()) {
    return invalid(fmt::format("layer is {}; allowed are whole numbers from 0", text));
  }
  return layer;
}

}  // namespace

Result<std::vector<MeasuredLayer>> parse_measured_layers(std::string_view path, std::string_view csv) {
  const bool by_component = csv.starts_with(kComponentHeader);
  PIPELOOM_TRY(const std::vector<CsvRow> rows, parse_csv(path, csv, by_component ? kComponentHeader : kHeader));
  std::vector<MeasuredLayer> layers;
  for (const CsvRow& row : rows) {
    int64_t values[std::size(kNames)];
    for (size_t i = 0; i < std::size(kNames); ++i) {
      const size_t cell = by_component && i > 0 ? i + 1 : i;
      const Result<int64_t> value = parse_cell(kNames[i], row.cells[cell].text);
      if (!value) return bad_cell(path, row, cell, value.error().message);
      values[i] = *value;
    }
    MeasuredLayer layer{static_cast<int>(values[0]), values[1], values[2], values[3]};
    if (by_component) {
      const auto component = find_component(row.cells[1].text);
      if (!component) return bad_cell(path, row, 1, fmt::format("there is no component {}", row.cells[1].text));
      layer.component = *component;
    }
    layers.push_back(layer);
  }
  return layers;
}

std::string measured_layers_to_csv(const std::vector<MeasuredLayer>& layers) {
  std::string csv = fmt::format("{}\n", kComponentHeader);
  for (const MeasuredLayer& layer : layers) {
    const auto us = [](int64_t ns) { return format_millionths(ns * 1000); };
    csv += fmt::format("{},{},{},{},{}\n", layer.layer, component_name(layer.component), us(layer.f_ns), us(layer.i_ns),
                       us(layer.w_ns));
  }
  return csv;
}

}  // namespace pipeloom::proto
