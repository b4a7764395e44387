#include "proto/job/measured_iterations.h"

#include <fmt/format.h>

#include "core/base/units.h"
#include "proto/base/csv.h"

namespace pipeloom::proto {

namespace {

constexpr std::string_view kHeader =
    "setting,gpus,global_batch,micro_batch,hidden,heads,layers,sequence,tensor_parallel,data_parallel,"
    "pipeline_parallel,iteration_ms";

Result<int64_t> parse_count(std::string_view text) {
  constexpr int64_t kMost = 100'000'000;
  PIPELOOM_TRY(const int64_t millionths, parse_millionths(text));
  const int64_t count = millionths / 1'000'000;
  if (millionths % 1'000'000 == 0 && count >= 1 && count <= kMost) return count;
  return invalid(fmt::format("{} is not allowed; allowed are whole numbers from 1 to {}", text, kMost));
}

Result<double> parse_ms(std::string_view text) {
  PIPELOOM_TRY(const int64_t ns, parse_millionths(text));
  if (ns > 0) return static_cast<double>(ns) / 1e9;
  return invalid(fmt::format("iteration_ms is {}; allowed is more than 0", text));
}

}  // namespace

Result<std::vector<MeasuredIteration>> parse_measured_iterations(std::string_view path, std::string_view csv) {
  PIPELOOM_TRY(const std::vector<CsvRow> rows, parse_csv(path, csv, kHeader));
  std::vector<MeasuredIteration> iterations;
  for (const CsvRow& row : rows) {
    constexpr size_t kFirstCount = 1;
    constexpr size_t kTime = 11;
    int64_t counts[kTime];
    for (size_t i = kFirstCount; i < kTime; ++i) {
      const Result<int64_t> count = parse_count(row.cells[i].text);
      if (!count) return bad_cell(path, row, i, count.error().message);
      counts[i] = *count;
    }
    const Result<double> seconds = parse_ms(row.cells[kTime].text);
    if (!seconds) return bad_cell(path, row, kTime, seconds.error().message);
    const auto count = [&](size_t column) { return static_cast<int>(counts[column]); };
    iterations.push_back({std::string(row.cells[0].text), count(1), counts[2], counts[3], count(4), count(5), count(6),
                          counts[7], count(8), count(9), count(10), *seconds});
  }
  return iterations;
}

}  // namespace pipeloom::proto
