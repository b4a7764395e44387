#include "planner/diff/diff.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "core/lowering/lower.h"
#include "core/units.h"
#include "planner/cli/command.h"
#include "planner/cli/report.h"
#include "planner/cli/table.h"
#include "proto/files.h"
#include "proto/measured_layers.h"
#include "proto/plan_io.h"
#include "proto/trace_io.h"

namespace pipeloom {

namespace {

Result<Plan> read_checked_plan(const std::string& path) {
  PIPELOOM_TRY(Plan plan, read_plan(path));
  if (const Status same = check_digest(plan); !same) {
    return fail(same.error().code, fmt::format("{}: {}", path, same.error().message));
  }
  return plan;
}

std::string change_text(int64_t predicted_ns, int64_t executed_ns) {
  if (predicted_ns == 0) return "-";
  return fmt::format("{:+.1f} %", 100 * (static_cast<double>(predicted_ns) / static_cast<double>(executed_ns) - 1));
}

void print_diff(const PlanDiff& diff, std::ostream& out) {
  out << fmt::format("step: predicted {}, executed {}: {}\n\n", format_duration(diff.predicted_step_ns),
                     format_duration(diff.executed_step_ns),
                     change_text(diff.predicted_step_ns, diff.executed_step_ns));
  Table kinds({"task", "count", "predicted", "executed", "p95", "error"});
  for (const KindDiff& kind : diff.kinds) {
    kinds.add_row({kind.kind, std::to_string(kind.tasks), format_duration(kind.predicted_median_ns),
                   format_duration(kind.executed_median_ns), format_duration(kind.executed_p95_ns),
                   change_text(kind.predicted_median_ns, kind.executed_median_ns)});
  }
  out << kinds.text() << '\n';
  Table ranks({"rank", "busy predicted", "executed", "error", "idle predicted", "executed"});
  for (size_t rank = 0; rank < diff.ranks.size(); ++rank) {
    const RankDiff& times = diff.ranks[rank];
    ranks.add_row({std::to_string(rank), format_duration(times.predicted_busy_ns),
                   format_duration(times.executed_busy_ns),
                   change_text(times.predicted_busy_ns, times.executed_busy_ns),
                   format_duration(diff.predicted_step_ns - times.predicted_busy_ns),
                   format_duration(diff.executed_step_ns - times.executed_busy_ns)});
  }
  out << ranks.text();
  if (diff.missing > 0) out << fmt::format("\n{} planned tasks are not in the trace\n", diff.missing);
}

nlohmann::json to_json(const PlanDiff& diff) {
  nlohmann::json json = {{"unit", "ms"},
                         {"predicted_step", json_time(diff.predicted_step_ns)},
                         {"executed_step", json_time(diff.executed_step_ns)},
                         {"missing", diff.missing},
                         {"kinds", nlohmann::json::array()},
                         {"ranks", nlohmann::json::array()}};
  for (const KindDiff& kind : diff.kinds) {
    json["kinds"].push_back({{"kind", kind.kind},
                             {"tasks", kind.tasks},
                             {"predicted_median", json_time(kind.predicted_median_ns)},
                             {"executed_median", json_time(kind.executed_median_ns)},
                             {"executed_p95", json_time(kind.executed_p95_ns)}});
  }
  for (const RankDiff& rank : diff.ranks) {
    json["ranks"].push_back({{"predicted_busy", json_time(rank.predicted_busy_ns)},
                             {"executed_busy", json_time(rank.executed_busy_ns)},
                             {"predicted_end", json_time(rank.predicted_end_ns)},
                             {"executed_end", json_time(rank.executed_end_ns)}});
  }
  return json;
}

}  // namespace

Status run_diff(const DiffOptions& options, const Output& output) {
  PIPELOOM_TRY(const Plan plan, read_checked_plan(options.plan));
  PIPELOOM_TRY(const Trace trace, read_trace(options.trace));
  const auto result = diff(plan, trace);
  if (!result) return fail(result.error().code, fmt::format("{}: {}", options.trace, result.error().message));
  if (options.json) {
    output.out << to_json(*result).dump(2) << '\n';
  } else {
    print_diff(*result, output.out);
  }
  return {};
}

Status run_calibrate(const CalibrateOptions& options, const Output& output) {
  PIPELOOM_TRY(const Plan plan, read_checked_plan(options.plan));
  if (!plan.job.model)
    return invalid(fmt::format("{}: layers are measured of a model; this plan has none", options.plan));
  std::vector<Trace> traces;
  for (const std::string& path : options.traces) {
    PIPELOOM_TRY(Trace trace, read_trace(path));
    if (const auto same = diff(plan, trace); !same) {
      return fail(same.error().code, fmt::format("{}: {}", path, same.error().message));
    }
    traces.push_back(std::move(trace));
  }
  const std::string csv = measured_layers_to_csv(measured_layers_of(plan, traces));
  if (options.output.empty() || options.output == "-") {
    output.out << csv;
    return {};
  }
  PIPELOOM_CHECK_OK(write_file_atomically(options.output, csv));
  output.out << fmt::format("{} written; name it in the job: measured_layers_csv: \"{}\"\n", options.output,
                            options.output);
  return {};
}

}  // namespace pipeloom
