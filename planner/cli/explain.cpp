#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <ostream>

#include "core/base/units.h"
#include "planner/cli/command.h"
#include "planner/cli/overlap_plan.h"
#include "planner/cli/report.h"
#include "planner/cli/subject_options.h"
#include "planner/cli/text_table.h"
#include "planner/cli/whole_step_report.h"
#include "planner/subject/explanation.h"
#include "planner/subject/savings.h"
#include "sim/report/critical_path.h"
#include "sim/report/idle_intervals.h"

namespace pipeloom::planner {

namespace {

// What `explain` prints.
class Report {
 public:
  explicit Report(const Subject& subject)
      : subject_(subject),
        schedule_(subject.evaluation.schedule),
        timeline_(subject.evaluation.timeline),
        why_(subject) {}

  void print_overview(int largest, std::ostream& out) const {
    print_causes(out);
    print_largest(largest, out);
    print_path(out);
  }

  // What `rank` does at `time_ns`, and the chain of waits behind it if it idles.
  Status print_moment(int rank, int64_t time_ns, std::ostream& out) const {
    PIPELOOM_RETURN_IF_ERROR(check_moment(rank, time_ns));
    if (const auto slot = why_.running(rank, time_ns)) {
      out << fmt::format("rank {} at {} runs {}\n", rank, time(time_ns), why_.describe(*slot));
      out << fmt::format("slack: it could end {} later without a longer makespan\n", time(why_.slack_ns(*slot)));
      return {};
    }
    const IdleInterval* interval = why_.idle_at(rank, time_ns);
    out << fmt::format("rank {} at {} is idle, {}\n", rank, time(time_ns), why_.describe(*interval));
    print_chain(*interval, out);
    return {};
  }

  Status append_moment(int rank, int64_t time_ns, nlohmann::json& json) const {
    PIPELOOM_RETURN_IF_ERROR(check_moment(rank, time_ns));
    json["rank"] = rank;
    json["at"] = json_time(time_ns);
    if (const auto slot = why_.running(rank, time_ns)) {
      json["runs"] = slot_json(*slot);
      json["slack"] = json_time(why_.slack_ns(*slot));
    } else {
      json["idle"] = interval_json(*why_.idle_at(rank, time_ns));
    }
    return {};
  }

  nlohmann::json to_json() const {
    nlohmann::json json = {{"critical_path", nlohmann::json::array()}, {"idle", nlohmann::json::array()}};
    for (const uint32_t slot : why_.path()) json["critical_path"].push_back(slot_json(slot));
    for (const IdleInterval& interval : why_.idle()) json["idle"].push_back(interval_json(interval));
    return json;
  }

 private:
  std::string time(int64_t ns) const { return time_text(subject_.job, ns); }

  Status check_moment(int rank, int64_t time_ns) const {
    if (rank < 0 || rank >= schedule_.ranks()) {
      return invalid(fmt::format("--rank is {}; allowed are 0 to {}", rank, schedule_.ranks() - 1));
    }
    if (time_ns < 0 || time_ns >= timeline_.makespan_ns) {
      return invalid(fmt::format("--at is {} ms; allowed is 0 to just before the makespan, {} ms",
                                 format_millionths(time_ns), format_millionths(timeline_.makespan_ns)));
    }
    return {};
  }

  // From one wait to the next: why was the task that is waited for not done earlier?
  void print_chain(const IdleInterval& first, std::ostream& out) const {
    uint32_t slot = first.waits_for;
    for (int depth = 0; slot != IdleInterval::kNoSlot && depth < 8; ++depth) {
      const auto cause = why_.waited_for(slot);
      if (!cause) {
        out << fmt::format("  {} started as soon as its rank was free\n", why_.name(slot));
        return;
      }
      out << fmt::format("  {} waited for {}\n", why_.name(slot), why_.describe(*cause));
      slot = *cause;
    }
  }

  void print_causes(std::ostream& out) const {
    const auto totals = sim::idle_by_cause(schedule_.ranks(), why_.idle());
    std::vector<int> used;
    for (int cause = 0; cause < kIdleCauses; ++cause) {
      if (std::any_of(totals.begin(), totals.end(), [&](const auto& rank) { return rank[cause] > 0; })) {
        used.push_back(cause);
      }
    }
    std::vector<std::string> columns = {"rank", "idle"};
    for (const int cause : used) columns.push_back(idle_cause_name(static_cast<IdleCause>(cause)));
    TextTable table(columns);
    for (int rank = 0; rank < schedule_.ranks(); ++rank) {
      std::vector<std::string> row = {std::to_string(rank), time(subject_.evaluation.bubble.global_ns(rank))};
      for (const int cause : used) row.push_back(time(totals[rank][cause]));
      table.add_row(std::move(row));
    }
    out << "Why the ranks idle:\n" << table.text();
  }

  void print_largest(int count, std::ostream& out) const {
    const std::vector<IdleInterval> largest = why_.largest_idle(static_cast<size_t>(std::max(count, 0)));
    if (why_.idle().empty()) return;
    out << "\nThe largest bubbles:\n";
    for (const IdleInterval& interval : largest) {
      out << fmt::format("  rank {}, {}\n", interval.rank, why_.describe(interval));
    }
  }

  void print_path(std::ostream& out) const {
    const std::vector<uint32_t>& path = why_.path();
    const int64_t computing_ns = sim::computing_ns(path, timeline_);
    int hand_overs = 0;
    for (size_t i = 0; i < path.size(); ++i) {
      if (i > 0 && schedule_.rank_of_slot(path[i]) != schedule_.rank_of_slot(path[i - 1])) ++hand_overs;
    }
    out << fmt::format("\nCritical path: {} slots, {} computing, {} between ranks ({} hand-overs)\n", path.size(),
                       time(computing_ns), time(timeline_.makespan_ns - computing_ns), hand_overs);
  }

  nlohmann::json slot_json(uint32_t slot) const {
    const Slot& content = schedule_.slots()[slot];
    return {{"rank", schedule_.rank_of_slot(slot)},
            {"slot", slot - schedule_.first_slot(schedule_.rank_of_slot(slot))},
            {"op", slot_label(content)},
            {"stage", content.stage},
            {"start", json_time(timeline_.start_ns[slot])},
            {"end", json_time(timeline_.end_ns[slot])}};
  }

  nlohmann::json interval_json(const IdleInterval& interval) const {
    nlohmann::json json = {{"rank", interval.rank},
                           {"cause", idle_cause_name(interval.cause)},
                           {"begin", json_time(interval.begin_ns)},
                           {"end", json_time(interval.end_ns)}};
    if (interval.waits_for != IdleInterval::kNoSlot) json["waits_for"] = slot_json(interval.waits_for);
    return json;
  }

  const Subject& subject_;
  const Schedule& schedule_;
  const Timeline& timeline_;
  const Explanation why_;
};

std::string signed_text(const std::string& magnitude, int64_t amount) {
  return (amount < 0 ? "-" : "") + magnitude;
}

Status print_savings(const Subject& subject, std::ostream& out) {
  PIPELOOM_TRY(const std::vector<Saving> savings, option_savings(subject));
  if (savings.empty()) return {};
  TextTable table({"option", "memory saved", "time saved"});
  for (const Saving& saving : savings) {
    table.add_row({saving.option, signed_text(format_bytes(std::abs(saving.peak_bytes)), saving.peak_bytes),
                   signed_text(format_duration(std::abs(saving.step_ns)), saving.step_ns)});
  }
  out << "\nWhat each option saves, alone, with this schedule (memory of the fullest rank: "
      << format_bytes(subject.evaluation.peak_memory()) << "):\n"
      << table.text();
  return {};
}

Status append_savings(const Subject& subject, nlohmann::json& json) {
  PIPELOOM_TRY(const std::vector<Saving> savings, option_savings(subject));
  json["options"] = nlohmann::json::array();
  for (const Saving& saving : savings) {
    json["options"].push_back({{"option", saving.option},
                               {"memory_saved_bytes", saving.peak_bytes},
                               {"time_saved", json_time(saving.step_ns)}});
  }
  return {};
}

}  // namespace

Status run_explain(const ExplainOptions& options, const Output& output) {
  if ((options.rank < 0) != options.at.empty()) return invalid("--rank and --at go together: why is rank R idle at T?");
  PIPELOOM_TRY(const Subject subject, load_subject(options.subject));
  const Report report(subject);
  int64_t at_ns = 0;
  if (!options.at.empty()) {
    const auto at = parse_millionths(options.at);
    if (!at) return invalid("--at: " + at.error().message);
    at_ns = *at;
  }
  if (options.json) {
    nlohmann::json json;
    if (options.rank >= 0) {
      PIPELOOM_RETURN_IF_ERROR(report.append_moment(options.rank, at_ns, json));
    } else {
      json = report.to_json();
      add_figures(subject.job, subject.evaluation.end.step_ns, subject.evaluation.peak_memory(), json);
      if (subject.job.model) PIPELOOM_RETURN_IF_ERROR(append_savings(subject, json));
    }
    output.out << json.dump(2) << '\n';
    return {};
  }
  if (options.rank >= 0) return report.print_moment(options.rank, at_ns, output.out);
  output.out << headline(subject) << "\n\n";
  report.print_overview(options.largest, output.out);
  if (subject.job.model) {
    PIPELOOM_RETURN_IF_ERROR(print_savings(subject, output.out));
    PIPELOOM_TRY(const sim::WholeStep step, whole_step_of(subject));
    print_whole_step(subject, step, output.out);
  }
  print_split(subject, output.out);
  return {};
}

}  // namespace pipeloom::planner
