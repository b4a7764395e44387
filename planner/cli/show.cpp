#include <nlohmann/json.hpp>
#include <ostream>

#include "planner/cli/command.h"
#include "planner/cli/report.h"
#include "planner/cli/subject_options.h"
#include "planner/cli/text_timeline.h"

namespace pipeloom::planner {

namespace {

nlohmann::json slots_json(const Subject& subject) {
  const Schedule& schedule = subject.evaluation.schedule;
  nlohmann::json ranks = nlohmann::json::array();
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    nlohmann::json slots = nlohmann::json::array();
    for (uint32_t slot = schedule.first_slot(rank); slot < schedule.first_slot(rank + 1); ++slot) {
      const Slot& content = schedule.slots()[slot];
      nlohmann::json entry = {{"op", slot_kind_name(content.kind)},
                              {"stage", content.stage},
                              {"micro_batch", content.micro_batch},
                              {"start", json_time(subject.evaluation.timeline.start_ns[slot])},
                              {"end", json_time(subject.evaluation.timeline.end_ns[slot])}};
      if (content.is_pair()) {
        entry["backward_stage"] = content.backward_stage;
        entry["backward_micro_batch"] = content.backward_micro_batch;
      }
      slots.push_back(std::move(entry));
    }
    ranks.push_back(std::move(slots));
  }
  return ranks;
}

}  // namespace

Status run_show(const ShowOptions& options, const Output& output) {
  PIPELOOM_TRY(const Subject subject, load_subject(options.subject));
  if (options.json) {
    nlohmann::json json = subject_json(subject);
    json["slots"] = slots_json(subject);
    output.out << json.dump(2) << '\n';
    return {};
  }
  output.out << headline(subject) << "\n\n";
  Terminal terminal = output.terminal;
  if (options.columns > 0) terminal.columns = options.columns;
  output.out << text_timeline(subject.evaluation.schedule, subject.evaluation.timeline, terminal) << '\n';
  print_summary(subject, output);
  return {};
}

}  // namespace pipeloom::planner
