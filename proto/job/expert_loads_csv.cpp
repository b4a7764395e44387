#include "proto/job/expert_loads_csv.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <map>

#include "proto/base/csv.h"

namespace pipeloom::proto {

namespace {

constexpr std::string_view kHeader = "layer,expert,tokens";
constexpr std::string_view kNames[] = {"layer", "expert", "tokens"};
constexpr int64_t kMost[] = {10'000, 99'999, 1'000'000'000'000'000};

Result<int64_t> parse_count(size_t column, std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && value >= 0 && value <= kMost[column]) return value;
  return invalid(fmt::format("{} is {}; allowed are whole numbers from 0 to {}", kNames[column], text, kMost[column]));
}

}  // namespace

std::string expert_loads_to_csv(const std::vector<ExpertLoad>& loads) {
  std::string csv = fmt::format("{}\n", kHeader);
  for (const ExpertLoad& load : loads) {
    for (size_t expert = 0; expert < load.tokens.size(); ++expert) {
      csv += fmt::format("{},{},{}\n", load.layer, expert, load.tokens[expert]);
    }
  }
  return csv;
}

Result<std::vector<ExpertLoad>> parse_expert_loads(std::string_view path, std::string_view csv) {
  PIPELOOM_TRY(const std::vector<CsvRow> rows, parse_csv(path, csv, kHeader));
  std::map<int64_t, std::map<int64_t, int64_t>> tokens;  // by layer and expert
  for (const CsvRow& row : rows) {
    int64_t values[std::size(kNames)];
    for (size_t column = 0; column < std::size(kNames); ++column) {
      const Result<int64_t> value = parse_count(column, row.cells[column].text);
      if (!value) return bad_cell(path, row, column, value.error().message);
      values[column] = *value;
    }
    if (!tokens[values[0]].emplace(values[1], values[2]).second) {
      return bad_cell(path, row, 1, fmt::format("expert {} of layer {} is there twice", values[1], values[0]));
    }
  }
  std::vector<ExpertLoad> loads;
  for (const auto& [layer, of_expert] : tokens) {
    ExpertLoad& load = loads.emplace_back();
    load.layer = static_cast<int>(layer);
    load.tokens.resize(of_expert.rbegin()->first + 1);
    for (const auto& [expert, count] : of_expert) load.tokens[expert] = count;
  }
  return loads;
}

}  // namespace pipeloom::proto
