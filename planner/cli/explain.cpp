#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "core/messages.h"
#include "core/units.h"
#include "planner/cli/command.h"
#include "planner/cli/overlap_plan.h"
#include "planner/cli/report.h"
#include "planner/cli/subject.h"
#include "planner/cli/table.h"
#include "planner/cli/whole_step.h"
#include "sim/report/critical_path.h"
#include "sim/report/idle.h"

namespace pipeloom {

namespace {

class Explanation {
 public:
  explicit Explanation(const Subject& subject)
      : subject_(subject),
        schedule_(subject.evaluation.schedule),
        timeline_(subject.evaluation.timeline),
        messages_(schedule_),
        hand_overs_(schedule_, subject.evaluation.costs.schedule, messages_, timeline_, subject.job.p2p.mode),
        idle_(idle_intervals(schedule_, timeline_, hand_overs_)),
        path_(critical_path(schedule_, timeline_, hand_overs_)),
        slack_ns_(slack_ns(schedule_, timeline_, hand_overs_)) {}

  void print_overview(int largest, std::ostream& out) const {
    print_causes(out);
    print_largest(largest, out);
    print_path(out);
  }

  // What `rank` does at `time_ns`, and the chain of waits behind it if it idles.
  Status print_moment(int rank, int64_t time_ns, std::ostream& out) const {
    PIPELOOM_CHECK_OK(check_moment(rank, time_ns));
    if (const auto slot = running(rank, time_ns)) {
      out << fmt::format("rank {} at {} runs {}\n", rank, time(time_ns), describe(*slot));
      out << fmt::format("slack: it could end {} later without a longer makespan\n", time(slack_ns_[*slot]));
      return {};
    }
    const IdleInterval* interval = idle_at(rank, time_ns);
    out << fmt::format("rank {} at {} is idle, {}\n", rank, time(time_ns), describe(*interval));
    print_chain(*interval, out);
    return {};
  }

  Status append_moment(int rank, int64_t time_ns, nlohmann::json& json) const {
    PIPELOOM_CHECK_OK(check_moment(rank, time_ns));
    json["rank"] = rank;
    json["at"] = json_time(time_ns);
    if (const auto slot = running(rank, time_ns)) {
      json["runs"] = slot_json(*slot);
      json["slack"] = json_time(slack_ns_[*slot]);
    } else {
      json["idle"] = interval_json(*idle_at(rank, time_ns));
    }
    return {};
  }

  nlohmann::json to_json() const {
    nlohmann::json json = {{"critical_path", nlohmann::json::array()}, {"idle", nlohmann::json::array()}};
    for (const uint32_t slot : path_) json["critical_path"].push_back(slot_json(slot));
    for (const IdleInterval& interval : idle_) json["idle"].push_back(interval_json(interval));
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

  std::string name(uint32_t slot) const {
    const Slot& content = schedule_.slots()[slot];
    const std::string stages = content.kind == SlotKind::kFB
                                   ? fmt::format("stages {} and {}", content.stage, content.backward_stage)
                                   : fmt::format("stage {}", content.stage);
    return fmt::format("{} of {} on rank {}", slot_label(content), stages, schedule_.rank_of_slot(slot));
  }

  std::string describe(uint32_t slot) const {
    return fmt::format("{} ({} to {})", name(slot), time(timeline_.start_ns[slot]), time(timeline_.end_ns[slot]));
  }

  std::string describe(const IdleInterval& interval) const {
    std::string text = fmt::format("{} to {} ({}): {}", time(interval.begin_ns), time(interval.end_ns),
                                   time(interval.duration_ns()), idle_cause_name(interval.cause));
    if (interval.before_slot != IdleInterval::kNoSlot) {
      text += fmt::format("; next is {}", slot_label(schedule_.slots()[interval.before_slot]));
    }
    if (interval.waits_for != IdleInterval::kNoSlot) {
      text += fmt::format(", which waits for {}", describe(interval.waits_for));
    }
    return text;
  }

  std::optional<uint32_t> running(int rank, int64_t time_ns) const {
    for (uint32_t slot = schedule_.first_slot(rank); slot < schedule_.first_slot(rank + 1); ++slot) {
      if (timeline_.start_ns[slot] <= time_ns && time_ns < timeline_.end_ns[slot]) return slot;
    }
    return std::nullopt;
  }

  const IdleInterval* idle_at(int rank, int64_t time_ns) const {
    const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const IdleInterval& interval) {
      return interval.rank == rank && interval.begin_ns <= time_ns && time_ns < interval.end_ns;
    });
    return &*found;
  }

  // From one wait to the next: why was the task that is waited for not done earlier?
  void print_chain(const IdleInterval& first, std::ostream& out) const {
    uint32_t slot = first.waits_for;
    for (int depth = 0; slot != IdleInterval::kNoSlot && depth < 8; ++depth) {
      const int rank = schedule_.rank_of_slot(slot);
      const bool waited = slot == schedule_.first_slot(rank) ? timeline_.start_ns[slot] > 0
                                                             : timeline_.start_ns[slot] > timeline_.end_ns[slot - 1];
      if (!waited) {
        out << fmt::format("  {} started as soon as its rank was free\n", name(slot));
        return;
      }
      const auto binding = hand_overs_.binding(slot, rank);
      if (!binding) return;
      out << fmt::format("  {} waited for {}\n", name(slot), describe(binding->last_slot));
      slot = binding->last_slot;
    }
  }

  void print_causes(std::ostream& out) const {
    const auto totals = idle_by_cause(schedule_.ranks(), idle_);
    std::vector<int> used;
    for (int cause = 0; cause < kIdleCauses; ++cause) {
      if (std::any_of(totals.begin(), totals.end(), [&](const auto& rank) { return rank[cause] > 0; })) {
        used.push_back(cause);
      }
    }
    std::vector<std::string> columns = {"rank", "idle"};
    for (const int cause : used) columns.push_back(idle_cause_name(static_cast<IdleCause>(cause)));
    Table table(columns);
    for (int rank = 0; rank < schedule_.ranks(); ++rank) {
      std::vector<std::string> row = {std::to_string(rank), time(subject_.evaluation.bubble.global_ns(rank))};
      for (const int cause : used) row.push_back(time(totals[rank][cause]));
      table.add_row(std::move(row));
    }
    out << "Why the ranks idle:\n" << table.text();
  }

  void print_largest(int count, std::ostream& out) const {
    std::vector<IdleInterval> sorted = idle_;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const IdleInterval& a, const IdleInterval& b) { return a.duration_ns() > b.duration_ns(); });
    if (sorted.empty()) return;
    out << "\nThe largest bubbles:\n";
    for (int i = 0; i < std::min<int>(count, static_cast<int>(sorted.size())); ++i) {
      out << fmt::format("  rank {}, {}\n", sorted[i].rank, describe(sorted[i]));
    }
  }

  void print_path(std::ostream& out) const {
    int64_t computing_ns = 0;
    int hand_overs = 0;
    for (size_t i = 0; i < path_.size(); ++i) {
      computing_ns += timeline_.end_ns[path_[i]] - timeline_.start_ns[path_[i]];
      if (i > 0 && schedule_.rank_of_slot(path_[i]) != schedule_.rank_of_slot(path_[i - 1])) ++hand_overs;
    }
    out << fmt::format("\nCritical path: {} slots, {} computing, {} between ranks ({} hand-overs)\n", path_.size(),
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
  const MessageTable messages_;
  const HandOvers hand_overs_;
  const std::vector<IdleInterval> idle_;
  const std::vector<uint32_t> path_;
  const std::vector<int64_t> slack_ns_;
};

}  // namespace

Status run_explain(const ExplainOptions& options, const Output& output) {
  if ((options.rank < 0) != options.at.empty()) return invalid("--rank and --at go together: why is rank R idle at T?");
  PIPELOOM_TRY(const Subject subject, load_subject(options.subject));
  const Explanation explanation(subject);
  int64_t at_ns = 0;
  if (!options.at.empty()) {
    const auto at = parse_millionths(options.at);
    if (!at) return invalid("--at: " + at.error().message);
    at_ns = *at;
  }
  if (options.json) {
    nlohmann::json json;
    if (options.rank >= 0) {
      PIPELOOM_CHECK_OK(explanation.append_moment(options.rank, at_ns, json));
    } else {
      json = explanation.to_json();
    }
    output.out << json.dump(2) << '\n';
    return {};
  }
  if (options.rank >= 0) return explanation.print_moment(options.rank, at_ns, output.out);
  output.out << headline(subject) << "\n\n";
  explanation.print_overview(options.largest, output.out);
  if (subject.job.model) {
    PIPELOOM_TRY(const WholeStep step, whole_step_of(subject));
    print_whole_step(subject, step, output.out);
  }
  print_split(subject, output.out);
  return {};
}

}  // namespace pipeloom
