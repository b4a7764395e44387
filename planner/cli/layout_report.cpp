#include "planner/cli/layout_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>

#include "core/base/units.h"
#include "planner/cli/report.h"
#include "planner/cli/text_table.h"
#include "planner/evaluate/step_interval.h"
#include "planner/subject/subject.h"

namespace pipeloom::planner {

namespace {

using Clock = std::chrono::steady_clock;

std::function<void(int64_t, int64_t)> progress_line(const Output& output) {
  return [&output, last = Clock::time_point{}](int64_t done, int64_t all) mutable {
    constexpr auto kBetween = std::chrono::milliseconds(200);
    const auto now = Clock::now();
    if (now - last < kBetween) return;
    last = now;
    output.out << fmt::format("\r{} of {} layouts   ", done, all) << std::flush;
  };
}

std::string schedule_text(const ConsideredLayout& entry) {
  return entry.chunks > 0 ? fmt::format("{} ({} chunks)", entry.schedule->name, entry.chunks)
                          : std::string(entry.schedule->name);
}

// "PP16 TP1 EP64 DP128".
std::string layout_text(const Layout& layout) {
  std::string text = fmt::format("PP{} TP{} EP{} DP{}", layout.pipeline, layout.tensor, layout.expert, layout.data);
  if (layout.context > 1) text += fmt::format(" CP{}", layout.context);
  return text;
}

TextTable layout_table() {
  TextTable table({"layout", "micro-batches", "recompute", "precision", "comm SMs", "schedule", "time/step",
                   "peak memory", "weight copies"});
  for (const size_t column : {2, 3, 5}) table.align_left(column);
  return table;
}

void add_row(const LayoutSearchResult& result, const ConsideredLayout& entry, TextTable& table) {
  const Job& job = result.layouts[entry.layout];
  const std::string sequences = fmt::format("{} x {}", job.micro_batches, job.batch.micro_batch_size);
  table.add_row({layout_text(job.layout), sequences, field_value(job, LayoutField::kRecompute),
                 field_value(job, LayoutField::kPrecision),
                 job.layout.expert > 1 ? field_value(job, LayoutField::kCommSms) : "", schedule_text(entry),
                 format_duration(entry.step_ns), format_bytes(entry.bytes), std::to_string(entry.weight_copies)});
}

void print_front(const LayoutSearchResult& result, const Output& output) {
  constexpr size_t kMostRows = 20;
  TextTable table = layout_table();
  for (size_t i = 0; i < std::min(kMostRows, result.front.size()); ++i) {
    add_row(result, result.considered[result.front[i]], table);
  }
  output.out << "\nNothing beats these in time, memory and weight copies together:\n\n" << table.text();
  if (result.front.size() > kMostRows) {
    output.out << fmt::format("and {} slower ones with less memory\n", result.front.size() - kMostRows);
  }
}

void print_outcomes(const LayoutSearchResult& result, const HeldFields& held, const Output& output) {
  output.out << "\nThe best with each value, and the least that the layouts with it take which bounds ruled out:\n";
  TextTable table({"field", "value", "layouts", "time/step", "with", "ruled out"});
  for (const size_t column : {1, 4, 5}) table.align_left(column);
  const auto time_ns = [&](int32_t index) { return index < 0 ? INT64_MAX : result.considered[index].step_ns; };
  for (const LayoutField field : kLayoutFields) {
    std::vector<FieldOutcome> outcomes = outcomes_of(result, field);
    if (held.holds(field) || outcomes.size() < 2) continue;
    std::ranges::stable_sort(outcomes, {}, [&](const FieldOutcome& outcome) {
      return std::pair(time_ns(outcome.timed), time_ns(outcome.bound));
    });
    std::string name(field_name(field));
    for (const FieldOutcome& outcome : outcomes) {
      std::string time = outcome.bound < 0 ? "does not fit" : "not timed";
      std::string with;
      if (outcome.timed >= 0) {
        const ConsideredLayout& best = result.considered[outcome.timed];
        time = format_duration(best.step_ns);
        with = layout_text(result.layouts[best.layout].layout) + ", " + schedule_text(best);
      }
      const std::string rest = outcome.bound < 0 ? "" : "at least " + format_duration(time_ns(outcome.bound));
      table.add_row({name, outcome.value, std::to_string(outcome.considered), time, with, rest});
      name.clear();
    }
  }
  output.out << '\n' << table.text();
}

// What became of the layout that the job itself names.
void print_own(const Job& own, const LayoutSearchResult& result, const Output& output) {
  const OwnLayout found = own_layout(own, result);
  output.out << fmt::format("\nThe job's own layout, {}, ", layout_text(own.layout));
  if (found.best < 0) {
    output.out << "does not fit, or can't run.\n";
    return;
  }
  const ConsideredLayout& entry = result.considered[found.best];
  const int64_t best_ns = result.considered[result.front.front()].step_ns;
  const std::string recompute = field_value(result.layouts[entry.layout], LayoutField::kRecompute);
  output.out << fmt::format("with {}{}: ", schedule_text(entry),
                            recompute == "none" ? "" : " and recomputation (" + recompute + ")");
  if (entry.verdict != LayoutVerdict::kTimed) {
    output.out << fmt::format("at least {}, ruled out by a bound.\n", format_duration(entry.step_ns));
    return;
  }
  output.out << fmt::format(
      "{}, {} above the fastest. Of {} layouts that may fit, {} are faster.\n", format_duration(entry.step_ns),
      percent_text(static_cast<double>(entry.step_ns) / static_cast<double>(best_ns) - 1), found.fitting, found.faster);
  if (found.faster > 0 && too_close_to_call(own, best_ns, entry.step_ns)) {
    output.out << "It is too close to the fastest to call.\n";
  }
}

void print_counts(const FoundLayouts& found, const Output& output) {
  std::array<int64_t, 5> counts = {};
  for (const ConsideredLayout& entry : found.result.considered) ++counts[static_cast<size_t>(entry.verdict)];
  const auto count = [&](LayoutVerdict verdict) { return counts[static_cast<size_t>(verdict)]; };
  const size_t all = found.result.considered.size();
  output.out << fmt::format("{} layouts with a schedule in {:.1f} s, {:.0f} a second\n", all, found.seconds,
                            static_cast<double>(all) / found.seconds);
  output.out << fmt::format(
      "simulated {}; ruled out: {} can't run, {} hold too much by a bound and {} with their order, {} are too slow by "
      "a "
      "bound\n",
      count(LayoutVerdict::kTimed), count(LayoutVerdict::kCantRun), count(LayoutVerdict::kTooLarge),
      count(LayoutVerdict::kDoesNotFit), count(LayoutVerdict::kTooSlow));
}

}  // namespace

Result<FoundLayouts> search_layouts_live(const Job& job, const PlanOptions& options, const Output& output) {
  PIPELOOM_TRY(const HeldFields held, HeldFields::parse(options.hold));
  LayoutSearchLimits limits;
  PIPELOOM_TRY(limits.framework, find_framework(options.subject.framework));
  limits.workers = options.search.workers.value_or(limits.workers);
  const bool live = output.terminal.live && !options.json;
  if (live) limits.progress = progress_line(output);
  auto found = find_layouts(job, held, limits);
  if (live) output.out << '\r' << std::string(60, ' ') << '\r';
  return found;
}

void print_layouts(const Job& own, const FoundLayouts& found, const PlanOptions& options, const Output& output) {
  print_counts(found, output);
  print_front(found.result, output);
  print_own(own, found.result, output);
  if (!options.explain) return;
  print_outcomes(found.result, HeldFields::parse(options.hold).value(), output);
}

nlohmann::json layouts_json(const Job& own, const FoundLayouts& found) {
  nlohmann::json front = nlohmann::json::array();
  for (const int32_t index : found.result.front) {
    const ConsideredLayout& entry = found.result.considered[index];
    const Job& job = found.result.layouts[entry.layout];
    front.push_back({{"pipeline", job.layout.pipeline},
                     {"tensor", job.layout.tensor},
                     {"context", job.layout.context},
                     {"expert", job.layout.expert},
                     {"data", job.layout.data},
                     {"micro_batch_size", job.batch.micro_batch_size},
                     {"micro_batches", job.micro_batches},
                     {"recompute", field_value(job, LayoutField::kRecompute)},
                     {"precision", field_value(job, LayoutField::kPrecision)},
                     {"comm_sms", job.cluster->comm_sms},
                     {"schedule", entry.schedule->name},
                     {"chunks", entry.chunks},
                     {"time_per_step", json_time(entry.step_ns)},
                     {"weight_copies", entry.weight_copies}});
    add_figures(job, entry.step_ns, entry.bytes, front.back());
  }
  nlohmann::json json = {
      {"considered", found.result.considered.size()}, {"seconds", found.seconds}, {"front", std::move(front)}};
  const OwnLayout mine = own_layout(own, found.result);
  json["own"] = {{"layouts_that_may_fit", mine.fitting}};
  if (mine.best >= 0) {
    const ConsideredLayout& entry = found.result.considered[mine.best];
    const bool timed = entry.verdict == LayoutVerdict::kTimed;
    json["own"][timed ? "time_per_step" : "time_per_step_at_least"] = json_time(entry.step_ns);
    if (timed) {
      const int64_t best_ns = found.result.considered[found.result.front.front()].step_ns;
      json["own"]["faster_layouts"] = mine.faster;
      json["own"]["too_close_to_call"] = too_close_to_call(own, best_ns, entry.step_ns);
    }
  }
  return json;
}

}  // namespace pipeloom::planner
