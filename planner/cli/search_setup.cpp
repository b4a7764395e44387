#include "planner/cli/search_setup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "core/base/units.h"
#include "planner/cli/command.h"
#include "planner/cli/interrupt.h"
#include "planner/cli/layout_report.h"
#include "planner/cli/overlap_plan.h"
#include "planner/cli/report.h"
#include "planner/cli/text_table.h"
#include "planner/search/contest.h"
#include "planner/subject/compare.h"

namespace pipeloom::planner {

namespace {

using Clock = std::chrono::steady_clock;

Result<Clock::duration> parse_budget(const std::string& text) {
  constexpr const char* kAllowed = "allowed are times such as 500ms, 5s or 2m, more than 0 and at most a day";
  const size_t unit_at = text.find_first_not_of("0123456789.");
  const std::string unit = unit_at == std::string::npos ? "s" : text.substr(unit_at);
  const auto number = parse_millionths(text.substr(0, unit_at));
  constexpr int64_t kDay = int64_t{86'400} * 1'000'000;
  const int64_t factor = unit == "m" ? 60 : 1;
  const int64_t divisor = unit == "ms" ? 1000 : 1;
  if (!number || (unit != "s" && unit != "ms" && unit != "m") || *number <= 0 || *number / divisor > kDay / factor) {
    return invalid(fmt::format("--budget is {}; {}", text, kAllowed));
  }
  return std::chrono::microseconds(*number * factor / divisor);
}

// "8" or "8:8:7:6", in millionths of an activation.
Result<std::vector<int64_t>> parse_caps(const std::string& text, int ranks) {
  std::vector<int64_t> caps;
  for (size_t begin = 0; !text.empty() && begin <= text.size();) {
    const size_t end = std::min(text.find_first_of(":,", begin), text.size());
    const auto cap = parse_millionths(text.substr(begin, end - begin));
    if (!cap || *cap <= 0) {
      return invalid(
          fmt::format("--memory-cap is {}; allowed are activations, more than 0: one number or one per rank "
                      "(8:8:7:6)",
                      text));
    }
    caps.push_back(*cap);
    begin = end + 1;
  }
  if (caps.size() > 1 && static_cast<int>(caps.size()) != ranks) {
    return invalid(fmt::format("--memory-cap has {} entries; allowed are one, or one for each of the {} ranks",
                               caps.size(), ranks));
  }
  return caps;
}

// One line that is written over and over, on a terminal only.
std::function<void(const SearchProgress&)> progress_line(const Job& job, const Output& output) {
  return [&job, &output, last = Clock::time_point{}](const SearchProgress& progress) mutable {
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

nlohmann::json result_json(const Subject& subject, const SearchResult& found, const SearchOptions& options,
                           Objective objective) {
  nlohmann::json json = subject_json(subject);
  json["objective"] = objective_name(objective);
  json["bound"] = json_time(found.bound_ns);
  json["proven"] = found.proven;
  json["moves"] = found.moves;
  json["seed"] = options.seed.value_or(1);
  json["found_by"] = found.found_by;
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

// Where the layers lie, if the search was free to part them.
void print_partition(const Subject& subject, const ContestResult& contest, size_t partitions, const Output& output) {
  if (partitions == 1) return;
  output.out << fmt::format("layers per stage {}; of {} partitions that are about as even none can take less than {}\n",
                            fmt::join(subject.evaluation.costs.layers_per_stage, " "), partitions,
                            time_text(subject.job, contest.least_bound_ns));
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

struct PlacedJob {
  Job job;
  PlacementKind kind = PlacementKind::kLinear;
};

// Where no placement is asked for, a job with a model is searched where the best named schedule runs it: on its
// placement, with its chunks and split of the SMs.
Result<PlacedJob> placed_job(const Job& job, const PlanOptions& options) {
  const std::string& placement = options.search.placement;
  if (!placement.empty() || !job.model) {
    PIPELOOM_TRY(const PlacementKind kind, placement_kind_from_name(placement.empty() ? "linear" : placement));
    return PlacedJob{job, kind};
  }
  PIPELOOM_TRY(Subject best, choose_schedule(job));
  PIPELOOM_TRY(best, plan_overlap(std::move(best), options.comm_sms));
  const Placement& placed = best.evaluation.schedule.placement();
  best.job.schedule.chunks = placed.stages() / placed.ranks();
  return PlacedJob{std::move(best.job), placed.kind()};
}

}  // namespace

Result<SearchLimits> limits_of(const SearchOptions& options, const Job& job, size_t searches) {
  SearchLimits limits;
  limits.seed = options.seed.value_or(1);
  limits.workers = options.workers.value_or(2);
  limits.exact = options.exact;
  limits.p2p = p2p_rule_of(job);
  limits.moves = options.moves.value_or(0);
  if (options.moves && options.budget.empty()) return limits;
  PIPELOOM_TRY(const auto budget, parse_budget(options.budget.empty() ? "5s" : options.budget));
  limits.time_spent = [begin = Clock::now(), budget = budget / searches] {
    return static_cast<double>((Clock::now() - begin).count()) / static_cast<double>(budget.count());
  };
  return limits;
}

Result<SearchedJob> searched_job(const Job& given, const PlanOptions& options) {
  PIPELOOM_TRY(PlacedJob placed, placed_job(given, options));
  SearchedJob searched = {std::move(placed.job), {}, Objective::kMakespan, {}};
  if (options.search.objective == "span") searched.objective = Objective::kSpan;
  if (searched.objective == Objective::kSpan && searched.job.clipping == Clipping::kGlobal) {
    return invalid(
        "--objective span can't be combined with clipping: GLOBAL, a barrier that no rank passes alone; allowed are "
        "--objective makespan, and clipping: VALIDATED");
  }
  PIPELOOM_TRY(searched.caps, parse_caps(options.search.memory_cap, searched.job.layout.pipeline));
  PIPELOOM_TRY(searched.problems, problems_of(searched.job, placed.kind, searched.caps, searched.objective));
  return searched;
}

Status run_search(const PlanOptions& options, const Output& output) {
  const SearchOptions& how = options.search;
  if (!options.subject.schedule.empty()) {
    return invalid("--schedule names an order; it can't be combined with the options of a search");
  }
  PIPELOOM_TRY(Job given, load_job(options.subject));
  std::optional<FoundLayouts> layouts;
  if (options.layout == "free") {
    PIPELOOM_TRY(layouts, find_layouts(given, options, output));
    if (!options.json) print_layouts(given, *layouts, options, output);
    given = layouts->best();
  }
  PIPELOOM_TRY(SearchedJob searched, searched_job(given, options));
  const Job& job = searched.job;
  const Objective objective = searched.objective;
  const bool live = output.terminal.live && !options.json;
  const Interrupt interrupt;
  PIPELOOM_TRY(SearchLimits limits, limits_of(how, job, 1));
  if (live) limits.progress = progress_line(job, output);
  limits.cancel = interrupt.flag();
  PIPELOOM_TRY(const ContestResult contest, search_any(searched.candidates(), limits));
  const SearchResult& found = contest.found;
  StepCosts& costs = searched.problems[contest.winner].costs;
  if (live) output.out << '\r' << std::string(60, ' ') << '\r';
  PIPELOOM_TRY(Evaluation evaluation, evaluate(job, found.schedule, std::move(costs)));
  const Subject subject = {job, found.found_by, std::move(evaluation)};
  if (!options.output.empty()) PIPELOOM_RETURN_IF_ERROR(write_plan_of(subject, options.output));
  std::vector<ComparedRow> rows;
  if (how.compare) rows = compared_rows(subject, searched.caps, objective);
  if (options.json) {
    nlohmann::json json = result_json(subject, found, how, objective);
    if (how.compare) json["compared"] = rows_json(job, rows);
    if (searched.problems.size() > 1) {
      json["partitions"] = searched.problems.size();
      json["bound_of_any_partition"] = json_time(contest.least_bound_ns);
    }
    if (layouts) json["layouts"] = layouts_json(*layouts);
    output.out << json.dump(2) << '\n';
    return {};
  }
  if (interrupt.raised()) output.out << "interrupted: the best so far\n";
  print_found(subject, found, options, objective, output);
  print_partition(subject, contest, searched.problems.size(), output);
  if (how.compare) print_rows(job, rows, output);
  return {};
}

}  // namespace pipeloom::planner
