#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "core/base/units.h"
#include "planner/cli/command.h"
#include "planner/cli/report.h"
#include "planner/cli/text_table.h"
#include "proto/job/job_field.h"

namespace pipeloom::planner {

namespace {

struct Sweep {
  std::string field;
  std::vector<std::string> values;
};

Result<int64_t> parse_number(const std::string& text) {
  const auto number = parse_millionths(text);
  if (!number) return invalid(fmt::format("--over: {}", number.error().message));
  return *number;
}

// FIELD=4..40, FIELD=4..40:4, FIELD=1,2,4,8.
Result<Sweep> parse_sweep(const std::string& text) {
  constexpr int64_t kOne = 1'000'000;
  constexpr int64_t kMost = 10'000;
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return invalid(
        fmt::format("--over is {}; allowed are such as comm_sms=4..40, comm_sms=4..40:4 and tensor=1,2,4,8", text));
  }
  Sweep sweep = {text.substr(0, equals), {}};
  std::string rest = text.substr(equals + 1);
  if (const size_t dots = rest.find(".."); dots != std::string::npos) {
    const size_t colon = rest.find(':', dots);
    PIPELOOM_TRY(const int64_t first, parse_number(rest.substr(0, dots)));
    PIPELOOM_TRY(const int64_t last,
                 parse_number(rest.substr(dots + 2, colon == std::string::npos ? colon : colon - dots - 2)));
    int64_t step = kOne;
    if (colon != std::string::npos) {
      PIPELOOM_TRY(step, parse_number(rest.substr(colon + 1)));
    }
    if (step <= 0 || last < first || (last - first) / step >= kMost) {
      return invalid(fmt::format("--over is {}; a range goes up, by more than 0, in at most {} steps", text, kMost));
    }
    for (int64_t value = first; value <= last; value += step) sweep.values.push_back(format_millionths(value));
    return sweep;
  }
  for (size_t begin = 0; begin <= rest.size();) {
    const size_t comma = std::min(rest.find(',', begin), rest.size());
    PIPELOOM_TRY(const int64_t value, parse_number(rest.substr(begin, comma - begin)));
    sweep.values.push_back(format_millionths(value));
    begin = comma + 1;
  }
  return sweep;
}

Result<Subject> swept(const Job& job, const Sweep& sweep, const std::string& value) {
  PIPELOOM_TRY(const Job changed, proto::with_job_field(job, sweep.field, value));
  return subject_of(changed);
}

}  // namespace

Status run_sweep(const SweepOptions& options, const Output& output) {
  PIPELOOM_TRY(const Sweep sweep, parse_sweep(options.over));
  PIPELOOM_TRY(const Job job, load_job(options.subject));
  PIPELOOM_RETURN_IF_ERROR(proto::with_job_field(job, sweep.field, sweep.values.front())
                               .map([](const Job&) {})
                               .or_else([&](const Error& error) -> Status {
                                 if (error.code == ErrorCode::kNotFound)
                                   return fail(error.code, "--over: " + error.message);
                                 return {};  // one value that is not allowed does not end a sweep
                               }));
  nlohmann::json json = nlohmann::json::array();
  TextTable table({sweep.field, "schedule", "time/step", "bubble", "peak memory", "overlap", ""});
  for (const std::string& value : sweep.values) {
    const auto subject = swept(job, sweep, value);
    if (!subject) {
      json.push_back({{"value", std::stod(value)}, {"error", subject.error().message}});
      table.add_row({value, subject.error().message});
      continue;
    }
    nlohmann::json row = subject_json(*subject);
    row["value"] = std::stod(value);
    json.push_back(std::move(row));
    const Evaluation& evaluation = subject->evaluation;
    table.add_row({value, subject->schedule_name, time_text(job, evaluation.end.step_ns),
                   percent_text(evaluation.bubble.global_rate()), memory_text(job, evaluation.peak_memory()),
                   evaluation.overlap > 0 ? percent_text(evaluation.overlap) : "-",
                   fits_memory(subject->job, evaluation)
                       ? ""
                       : fmt::format("does not fit {}", memory_text(job, memory_limit_bytes(subject->job)))});
  }
  table.align_left(1);
  table.align_left(6);
  if (options.json) {
    output.out << json.dump(2) << '\n';
  } else {
    output.out << table.text();
  }
  return {};
}

}  // namespace pipeloom::planner
