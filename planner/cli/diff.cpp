#include "planner/diff/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "core/base/units.h"
#include "planner/app/executed_trace.h"
#include "planner/app/open_as.h"
#include "planner/cli/command.h"
#include "planner/cli/published.h"
#include "planner/cli/report.h"
#include "planner/cli/text_table.h"
#include "proto/base/files.h"
#include "proto/job/measured_layers.h"

namespace pipeloom::planner {

namespace {

std::string change_text(int64_t predicted_ns, int64_t executed_ns) {
  if (predicted_ns == 0) return "-";
  return fmt::format("{:+.1f} %", 100 * (static_cast<double>(predicted_ns) / static_cast<double>(executed_ns) - 1));
}

std::string share_text(double share) {
  return fmt::format("{:.1f} %", 100 * share);
}

void print_kinds(const std::vector<KindDiff>& kinds, std::ostream& out) {
  TextTable table({"task", "count", "predicted", "p95", "executed", "p95", "error"});
  for (const KindDiff& kind : kinds) {
    table.add_row({kind.kind, std::to_string(kind.tasks), format_duration(kind.predicted_median_ns),
                   format_duration(kind.predicted_p95_ns), format_duration(kind.executed_median_ns),
                   format_duration(kind.executed_p95_ns),
                   change_text(kind.predicted_median_ns, kind.executed_median_ns)});
  }
  out << table.text();
}

// "0", or "2.0" for rank 0 of replica 2.
std::string rank_name(const RankDiff& rank, bool several) {
  return several ? fmt::format("{}.{}", rank.replica, rank.rank) : std::to_string(rank.rank);
}

void print_ranks(const PlanDiff& diff, std::ostream& out) {
  const bool several = std::ranges::any_of(diff.ranks, [](const RankDiff& rank) { return rank.replica > 0; });
  TextTable table({several ? "replica.rank" : "rank", "busy predicted", "executed", "error", "bubble predicted",
                   "executed", "overlap predicted", "executed"});
  for (const RankDiff& rank : diff.ranks) {
    const auto overlap = [](const RankTimes& times) {
      return times.exchange_ns == 0 ? "-" : share_text(times.overlap());
    };
    table.add_row({rank_name(rank, several), format_duration(rank.predicted.busy_ns),
                   format_duration(rank.executed.busy_ns), change_text(rank.predicted.busy_ns, rank.executed.busy_ns),
                   share_text(rank.predicted.bubble(diff.predicted_step_ns)),
                   share_text(rank.executed.bubble(diff.executed_step_ns)), overlap(rank.predicted),
                   overlap(rank.executed)});
  }
  out << table.text();
}

// What the moving average costs the step, of the rank that waits for it longest.
void print_average(const PlanDiff& diff, std::ostream& out) {
  const bool has_average =
      std::ranges::any_of(diff.kinds, [](const KindDiff& kind) { return kind.kind == "moving average"; });
  if (!has_average) return;
  int64_t predicted_ns = 0;
  int64_t executed_ns = 0;
  for (const RankDiff& rank : diff.ranks) {
    predicted_ns = std::max(predicted_ns, rank.predicted.average_wait_ns);
    executed_ns = std::max(executed_ns, rank.executed.average_wait_ns);
  }
  out << fmt::format("\nthe optimizer waits for the moving average: predicted {}, executed {}\n",
                     format_duration(predicted_ns), format_duration(executed_ns));
}

void print_diff(const PlanDiff& diff, std::ostream& out) {
  out << fmt::format("step: predicted {}, executed {}: {}\n\n", format_duration(diff.predicted_step_ns),
                     format_duration(diff.executed_step_ns),
                     change_text(diff.predicted_step_ns, diff.executed_step_ns));
  print_kinds(diff.kinds, out);
  out << '\n';
  print_ranks(diff, out);
  print_average(diff, out);
  out << "\ntask: median and 95th percentile of what tasks took, waits for other ranks left out\n"
         "bubble: idle share of the step; overlap: share of the all-to-all while its rank computed\n";
  if (diff.clock_error_ns > 0) {
    out << fmt::format("clocks: times of different machines may be {} apart more or less\n",
                       format_duration(diff.clock_error_ns));
  }
  if (diff.missing > 0) out << fmt::format("{} planned tasks are not in the trace\n", diff.missing);
}

Status print_rank(const PlanDiff& diff, int number, std::ostream& out) {
  bool found = false;
  for (const RankDiff& rank : diff.ranks) {
    if (rank.rank != number) continue;
    out << fmt::format("{}rank {}, replica {}\n\n", found ? "\n" : "", rank.rank, rank.replica);
    print_kinds(rank.kinds, out);
    found = true;
  }
  if (found) return {};
  return invalid(fmt::format("--rank is {}; the trace has no such rank", number));
}

nlohmann::json to_json(const std::vector<KindDiff>& kinds) {
  nlohmann::json json = nlohmann::json::array();
  for (const KindDiff& kind : kinds) {
    json.push_back({{"kind", kind.kind},
                    {"tasks", kind.tasks},
                    {"predicted_median", json_time(kind.predicted_median_ns)},
                    {"predicted_p95", json_time(kind.predicted_p95_ns)},
                    {"executed_median", json_time(kind.executed_median_ns)},
                    {"executed_p95", json_time(kind.executed_p95_ns)}});
  }
  return json;
}

nlohmann::json to_json(const RankTimes& times, int64_t step_ns) {
  return {{"busy", json_time(times.busy_ns)},
          {"end", json_time(times.end_ns)},
          {"bubble", times.bubble(step_ns)},
          {"overlap", times.overlap()},
          {"average_wait", json_time(times.average_wait_ns)}};
}

nlohmann::json to_json(const PlanDiff& diff) {
  nlohmann::json json = {{"unit", "ms"},
                         {"predicted_step", json_time(diff.predicted_step_ns)},
                         {"executed_step", json_time(diff.executed_step_ns)},
                         {"clock_error", json_time(diff.clock_error_ns)},
                         {"missing", diff.missing},
                         {"kinds", to_json(diff.kinds)},
                         {"ranks", nlohmann::json::array()}};
  for (const RankDiff& rank : diff.ranks) {
    json["ranks"].push_back({{"replica", rank.replica},
                             {"rank", rank.rank},
                             {"predicted", to_json(rank.predicted, diff.predicted_step_ns)},
                             {"executed", to_json(rank.executed, diff.executed_step_ns)},
                             {"kinds", to_json(rank.kinds)}});
  }
  return json;
}

}  // namespace

Status run_diff(const DiffOptions& options, const Output& output) {
  PIPELOOM_TRY(const Plan plan, open_plan(options.plan));
  PIPELOOM_TRY(const ExecutedTrace executed, open_executed_trace(options.trace, plan, KernelWork::kMeasured));
  if (options.json) {
    output.out << to_json(executed.diff).dump(2) << '\n';
  } else if (options.rank) {
    return print_rank(executed.diff, *options.rank, output.out);
  } else {
    print_diff(executed.diff, output.out);
  }
  return {};
}

Status run_calibrate(const CalibrateOptions& options, const Output& output) {
  if (!options.published.empty()) return run_calibrate_published(options, output);
  if (options.plan.empty() || options.traces.empty()) {
    return invalid("calibrate needs a PLAN and its TRACE, or --published FILE.csv");
  }
  PIPELOOM_TRY(const Plan plan, open_plan(options.plan));
  if (!plan.job.model)
    return invalid(fmt::format("{}: layers are measured of a model; this plan has none", options.plan));
  std::vector<Trace> traces;
  for (const std::string& path : options.traces) {
    PIPELOOM_TRY(ExecutedTrace executed, open_executed_trace(path, plan, KernelWork::kAlone));
    traces.push_back(std::move(executed.trace));
  }
  const std::string csv = proto::measured_layers_to_csv(measured_layers_of(plan, traces));
  if (options.output.empty() || options.output == "-") {
    output.out << csv;
    return {};
  }
  PIPELOOM_RETURN_IF_ERROR(proto::write_file_atomically(options.output, csv));
  output.out << fmt::format("{} written; name it in the job: measured_layers_csv: \"{}\"\n", options.output,
                            options.output);
  return {};
}

}  // namespace pipeloom::planner
