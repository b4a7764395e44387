#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "core/base/units.h"
#include "planner/app/order_search.h"
#include "planner/app/save_plan.h"
#include "planner/app/search_limits.h"
#include "planner/cli/command.h"
#include "planner/cli/interrupt.h"
#include "planner/cli/layout_report.h"
#include "planner/cli/report.h"
#include "planner/cli/search_options.h"
#include "planner/cli/text_table.h"
#include "planner/subject/compare.h"

namespace pipeloom::planner {

namespace {

using Clock = std::chrono::steady_clock;

// One line that is written over and over, on a terminal only.
std::function<void(const SearchProgress&)> progress_line(const Job& job, const Output& output) {
  return [job, &output, last = Clock::time_point{}](const SearchProgress& progress) mutable {
    constexpr auto kBetween = std::chrono::milliseconds(200);
    const auto now = Clock::now();
    if (now - last < kBetween) return;
    last = now;
    output.out << fmt::format("\r{} moves, best {}, bound {}   ", progress.moves, time_text(job, progress.value_ns),
                              time_text(job, progress.bound_ns))
               << std::flush;
  };
}

std::string gap_text(const SearchResult& found) {
  if (found.proven) return "nothing is shorter";
  const auto over = static_cast<double>(found.value_ns - found.bound_ns);
  return fmt::format("at most {:.2f} % too long",
                     100 * over / static_cast<double>(std::max<int64_t>(found.bound_ns, 1)));
}

nlohmann::json result_json(const FoundOrder& found, const SearchOptions& options, Objective objective) {
  nlohmann::json json = subject_json(found.subject);
  json["objective"] = objective_name(objective);
  json["bound"] = json_time(found.result.bound_ns);
  json["proven"] = found.result.proven;
  json["moves"] = found.result.moves;
  json["seed"] = options.seed.value_or(1);
  json["found_by"] = found.result.found_by;
  if (found.partitions > 1) {
    json["partitions"] = found.partitions;
    json["bound_of_any_partition"] = json_time(found.least_bound_ns);
  }
  return json;
}

// The job as compare_schedules wants it: times of a rank's whole share of a micro-batch.
Job with_whole_share(Job job, int chunks) {
  if (!job.costs || chunks == 1) return job;
  for (auto* times : {&job.costs->f_ns, &job.costs->i_ns, &job.costs->w_ns, &job.costs->b_ns}) {
    if (times->size() == 1) times->front() *= chunks;
  }
  for (auto* pair_ns : {&job.costs->pair_ns, &job.costs->input_pair_ns}) {
    if (*pair_ns) **pair_ns *= chunks;
  }
  return job;
}

struct ComparedRow {
  std::string name;
  int64_t makespan_ns = 0;
  int64_t span_ns = 0;
  int64_t peak_memory = 0;  // bytes, or millionths of a rank's whole share
  int weight_copies = 1;
  bool fits = true;
};

// The found plan, then the named schedules that hold no more than the fullest rank may, then the others.
std::vector<ComparedRow> compared_rows(const Subject& found, const std::vector<int64_t>& caps, Objective objective) {
  const Placement& placement = found.evaluation.schedule.placement();
  const int chunks = found.job.costs ? placement.stages() / placement.ranks() : 1;
  std::vector<ComparedRow> rows = {{"this plan", found.evaluation.bubble.makespan_ns, found.evaluation.bubble.span_ns,
                                    found.evaluation.peak_memory() / chunks, found.evaluation.weight_copies, true}};
  const int64_t cap = caps.empty() ? 0 : *std::max_element(caps.begin(), caps.end()) / chunks;
  for (const ComparedSchedule& entry : compare_schedules(with_whole_share(found.job, chunks))) {
    if (!entry.numbers) continue;
    const ComparedNumbers& numbers = *entry.numbers;
    const bool fits = numbers.fits && (cap == 0 || numbers.peak_memory <= cap);
    rows.push_back({std::string(entry.named->name), numbers.makespan_ns, numbers.span_ns, numbers.peak_memory,
                    numbers.weight_copies, fits});
  }
  std::stable_sort(rows.begin() + 1, rows.end(), [&](const ComparedRow& a, const ComparedRow& b) {
    const auto key = [&](const ComparedRow& row) {
      return std::pair(!row.fits, objective == Objective::kMakespan ? row.makespan_ns : row.span_ns);
    };
    return key(a) < key(b);
  });
  return rows;
}

void print_rows(const Job& job, const std::vector<ComparedRow>& rows, const Output& output) {
  TextTable table({"", "makespan", "span", job.model ? "peak memory" : "peak activations", "weight copies", ""});
  table.align_left(5);
  for (const ComparedRow& row : rows) {
    table.add_row({row.name, time_text(job, row.makespan_ns), time_text(job, row.span_ns),
                   memory_text(job, row.peak_memory), std::to_string(row.weight_copies),
                   row.fits ? "" : "takes more memory"});
  }
  output.out << "\nAt equal work" << (job.model ? "" : "; activations in a rank's whole share of a micro-batch")
             << ":\n"
             << table.text();
}

nlohmann::json rows_json(const Job& job, const std::vector<ComparedRow>& rows) {
  nlohmann::json json = nlohmann::json::array();
  for (const ComparedRow& row : rows) {
    json.push_back({{"schedule", row.name},
                    {"makespan", json_time(row.makespan_ns)},
                    {"span", json_time(row.span_ns)},
                    {"weight_copies", row.weight_copies},
                    {"fits", row.fits}});
    if (job.model) {
      json.back()["peak_memory_bytes"] = row.peak_memory;
    } else {
      json.back()["peak_activations"] = static_cast<double>(row.peak_memory) / 1e6;
    }
  }
  return json;
}

// Says how the layers are divided, if the search was free to choose.
void print_partition(const FoundOrder& found, const Output& output) {
  if (found.partitions == 1) return;
  output.out << fmt::format("layers per stage {}; lower bound over {} similar partitions: {}\n",
                            fmt::join(found.subject.evaluation.costs.layers_per_stage, " "), found.partitions,
                            time_text(found.subject.job, found.least_bound_ns));
}

void print_found(const Subject& subject, const SearchResult& found, const PlanOptions& options, Objective objective,
                 const Output& output) {
  output.out << headline(subject) << '\n';
  print_summary(subject, output);
  output.out << fmt::format("\nbound of the {} {}: {}\n", objective_name(objective),
                            time_text(subject.job, found.bound_ns), gap_text(found));
  output.out << fmt::format("found by {} in {} moves, seed {}\n",
                            found.found_by == "search" ? "search" : "looking at " + found.found_by, found.moves,
                            options.search.seed.value_or(1));
  if (!options.output.empty()) output.out << fmt::format("plan written to {}\n", options.output);
}

}  // namespace

Status run_search(const PlanOptions& options, const Output& output) {
  const SearchOptions& how = options.search;
  if (!options.subject.schedule.empty()) {
    return invalid("--schedule names an order; it can't be combined with the options of a search");
  }
  PIPELOOM_TRY(const OrderRequest request, order_request_of(options));
  PIPELOOM_TRY(const SearchEffort effort, effort_of(how));
  PIPELOOM_TRY(const Job own, load_job(options.subject));
  Job given = own;
  std::optional<FoundLayouts> layouts;
  if (options.layout == "free") {
    PIPELOOM_TRY(layouts, search_layouts_live(given, options, output));
    if (!options.json) print_layouts(given, *layouts, options, output);
    given = layouts->best();
  }
  PIPELOOM_TRY(SearchedJob searched, searched_job(given, request));
  const bool live = output.terminal.live && !options.json;
  const Interrupt interrupt;
  SearchLimits limits = limits_of(effort, searched.job);
  if (live) limits.progress = progress_line(searched.job, output);
  limits.cancel = interrupt.flag();
  PIPELOOM_TRY(const FoundOrder found, search_order(std::move(searched), limits));
  if (live) output.out << '\r' << std::string(60, ' ') << '\r';
  const Subject& subject = found.subject;
  if (!options.output.empty()) PIPELOOM_RETURN_IF_ERROR(save_plan(subject, options.output));
  std::vector<ComparedRow> rows;
  if (how.compare) rows = compared_rows(subject, request.caps, request.objective);
  if (options.json) {
    nlohmann::json json = result_json(found, how, request.objective);
    if (how.compare) json["compared"] = rows_json(subject.job, rows);
    if (layouts) json["layouts"] = layouts_json(own, *layouts);
    output.out << json.dump(2) << '\n';
    return {};
  }
  if (interrupt.raised()) output.out << "interrupted: the best so far\n";
  print_found(subject, found.result, options, request.objective, output);
  print_partition(found, output);
  if (how.compare) print_rows(subject.job, rows, output);
  return {};
}

}  // namespace pipeloom::planner
