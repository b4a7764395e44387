#include "planner/cli/published_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>

namespace pipeloom::planner {

namespace {

constexpr const char* kGroupColumns[] = {"gpu", "model", "precision", "software", "source"};

using Predictions = std::vector<PublishedPrediction>;

std::string percent(double share) {
  return fmt::format("{:.1f} %", 100 * share);
}

std::string signed_percent(double share) {
  return fmt::format("{:+.1f} %", 100 * share);
}

// What a group is called: of a source the document without its part.
std::string group_of(const PublishedPrediction& one, std::string_view column) {
  const std::string_view text = one.training.text(column);
  return std::string(column == "source" ? text.substr(0, text.find(':')) : text);
}

// Errors of steps that are judged, by the value of a column.
std::map<std::string, std::vector<double>> errors_by(const Predictions& predictions, std::string_view column) {
  std::map<std::string, std::vector<double>> groups;
  for (const PublishedPrediction& one : predictions) {
    if (one.compared() && one.judged) groups[group_of(one, column)].push_back(one.error());
  }
  return groups;
}

std::vector<double> step_errors(const Predictions& predictions,
                                const std::function<bool(const PublishedPrediction&)>& counts) {
  std::vector<double> errors;
  for (const PublishedPrediction& one : predictions) {
    if (one.compared() && counts(one)) errors.push_back(one.error());
  }
  return errors;
}

struct NamedSummary {
  std::string name;
  ErrorSummary summary;
};

std::vector<NamedSummary> step_summaries(const Predictions& predictions) {
  const auto all = [](const PublishedPrediction&) { return true; };
  const auto judged = [](const PublishedPrediction& one) { return one.judged; };
  const auto whole = [](const PublishedPrediction& one) { return one.judged && one.ignored.empty(); };
  return {{"all that can be predicted", summary_of(step_errors(predictions, all))},
          {"judged", summary_of(step_errors(predictions, judged))},
          {"judged, every setting said", summary_of(step_errors(predictions, whole))}};
}

// By the counter that was read, and by counter and software; only of settings that were read.
std::vector<NamedSummary> memory_summaries(const Predictions& predictions) {
  std::map<std::string, std::vector<double>> groups;
  for (const PublishedPrediction& one : predictions) {
    if (one.training.text("confidence") != "recipe-read") continue;
    for (const MemoryComparison& memory : one.memory) {
      groups[memory.counter].push_back(memory.error());
      groups[fmt::format("{}, {}", memory.counter, one.training.text("software"))].push_back(memory.error());
    }
  }
  std::vector<NamedSummary> summaries;
  for (const auto& [counter, errors] : groups) summaries.push_back({counter, summary_of(errors)});
  return summaries;
}

std::string interval_text(const PublishedPrediction& one) {
  if (!one.has_interval()) return "";
  return fmt::format("{:.4g} to {:.4g} s", one.low_seconds, one.high_seconds);
}

std::string interval_text(const MemoryComparison& memory) {
  if (!memory.interval) return "";
  return fmt::format("{:.1f} to {:.1f} GB", static_cast<double>(memory.interval->low_bytes) / 1e9,
                     static_cast<double>(memory.interval->high_bytes) / 1e9);
}

// How many judged steps lie in their intervals.
struct Coverage {
  size_t rows = 0;
  size_t within = 0;
};
Coverage coverage_of(const Predictions& predictions) {
  Coverage coverage;
  for (const PublishedPrediction& one : predictions) {
    if (!one.compared() || !one.judged || !one.has_interval()) continue;
    ++coverage.rows;
    if (one.within_interval()) ++coverage.within;
  }
  return coverage;
}

// The same of the memory figures whose counter has an interval.
Coverage memory_coverage_of(const Predictions& predictions) {
  Coverage coverage;
  for (const PublishedPrediction& one : predictions) {
    if (one.training.text("confidence") != "recipe-read") continue;
    for (const MemoryComparison& memory : one.memory) {
      if (!memory.interval) continue;
      ++coverage.rows;
      if (memory.within_interval()) ++coverage.within;
    }
  }
  return coverage;
}

void print_trainings(const Predictions& predictions, std::ostream& out) {
  TextTable table({"training", "metric", "measured", "predicted", "error", "four of five within", "left out"});
  table.align_left(6);
  for (const PublishedPrediction& one : predictions) {
    if (!one.predicted()) continue;
    const std::string left_out = fmt::format("{}", fmt::join(one.ignored, " "));
    if (one.measured_seconds) {
      table.add_row({one.training.id, "step", fmt::format("{:.4g} s", *one.measured_seconds),
                     fmt::format("{:.4g} s", one.predicted_seconds), signed_percent(one.error()), interval_text(one),
                     left_out});
    }
    for (const MemoryComparison& memory : one.memory) {
      table.add_row({one.training.id, memory.counter, fmt::format("{:.1f} GB", memory.measured / 1e9),
                     fmt::format("{:.1f} GB", memory.predicted / 1e9), signed_percent(memory.error()),
                     interval_text(memory), left_out});
    }
  }
  out << table.text() << '\n';
}

void print_unsaid(const Predictions& predictions, std::ostream& out) {
  std::map<std::string, int> reasons;
  for (const PublishedPrediction& one : predictions) {
    if (!one.predicted()) ++reasons[one.reason];
  }
  if (reasons.empty()) return;
  TextTable table({"can't be said", "trainings"});
  for (const auto& [reason, count] : reasons) table.add_row({reason, std::to_string(count)});
  out << '\n' << table.text();
}

nlohmann::json to_json(const ErrorSummary& summary) {
  return {{"rows", summary.rows},
          {"median", summary.median},
          {"mean", summary.mean},
          {"p90", summary.p90},
          {"bias", summary.bias}};
}

nlohmann::json to_json(const PublishedPrediction& one) {
  nlohmann::json json = {{"id", one.training.id}, {"judged", one.judged}, {"settings", one.training.settings}};
  if (!one.predicted()) json["reason"] = one.reason;
  if (one.predicted()) json["predicted_step_s"] = one.predicted_seconds;
  if (one.has_interval()) json["interval_s"] = {one.low_seconds, one.high_seconds};
  if (one.measured_seconds) json["measured_step_s"] = *one.measured_seconds;
  if (one.compared()) json["error"] = one.error();
  json["left_out"] = one.ignored;
  for (const MemoryComparison& memory : one.memory) {
    json["memory"].push_back({{"counter", memory.counter},
                              {"measured_bytes", memory.measured},
                              {"predicted_bytes", memory.predicted},
                              {"error", memory.error()},
                              {"rank", memory.rank},
                              {"lasting_bytes", memory.parts.lasting()},
                              {"churn_bytes", memory.parts.allocated() - memory.parts.lasting()},
                              {"outside_bytes", memory.parts.total() - memory.parts.reserved()}});
  }
  return json;
}

}  // namespace

void add_errors(TextTable& table, const std::string& name, const ErrorSummary& summary) {
  table.add_row({name, std::to_string(summary.rows), percent(summary.median), percent(summary.mean),
                 percent(summary.p90), signed_percent(summary.bias)});
}

void print_published(const Predictions& predictions, std::ostream& out) {
  print_trainings(predictions, out);
  TextTable table({"step", "rows", "median", "mean", "p90", "bias"});
  for (const NamedSummary& named : step_summaries(predictions)) add_errors(table, named.name, named.summary);
  for (const char* column : kGroupColumns) {
    for (const auto& [value, errors] : errors_by(predictions, column)) {
      add_errors(table, fmt::format("{} {}", column, value), summary_of(errors));
    }
  }
  for (const NamedSummary& named : memory_summaries(predictions)) {
    add_errors(table, "memory, " + named.name, named.summary);
  }
  out << table.text();
  if (const Coverage coverage = coverage_of(predictions); coverage.rows > 0) {
    out << fmt::format("\n{} of {} judged steps lie within the interval that four of five should\n", coverage.within,
                       coverage.rows);
  }
  if (const Coverage coverage = memory_coverage_of(predictions); coverage.rows > 0) {
    out << fmt::format("{} of {} figures of reserved memory and of nvidia-smi do\n", coverage.within, coverage.rows);
  }
  print_unsaid(predictions, out);
}

nlohmann::json published_json(const Predictions& predictions) {
  nlohmann::json json = {{"trainings", nlohmann::json::array()}};
  for (const PublishedPrediction& one : predictions) json["trainings"].push_back(to_json(one));
  const Coverage coverage = coverage_of(predictions);
  json["intervals"] = {{"rows", coverage.rows}, {"within", coverage.within}};
  const Coverage memory = memory_coverage_of(predictions);
  json["memory_intervals"] = {{"rows", memory.rows}, {"within", memory.within}};
  for (const NamedSummary& named : step_summaries(predictions)) json["steps"][named.name] = to_json(named.summary);
  for (const NamedSummary& named : memory_summaries(predictions)) json["memory"][named.name] = to_json(named.summary);
  for (const char* column : kGroupColumns) {
    for (const auto& [value, errors] : errors_by(predictions, column)) {
      json["groups"][column][value] = to_json(summary_of(errors));
    }
  }
  return json;
}

}  // namespace pipeloom::planner
