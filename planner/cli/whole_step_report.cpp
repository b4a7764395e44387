#include "planner/cli/whole_step_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "planner/cli/report.h"
#include "planner/cli/text_table.h"

namespace pipeloom::planner {

Result<sim::WholeStep> whole_step_of(const Subject& subject, const sim::WholeStepOptions& options) {
  return sim::simulate_whole_step(subject.job, subject.evaluation.schedule, subject.evaluation.costs, options);
}

void print_whole_step_time(const Subject& subject, const sim::WholeStep& step, std::ostream& out) {
  const double slots_ns = static_cast<double>(subject.evaluation.end.step_ns);
  out << fmt::format("\nwhole step, {} tasks: {}, {:+.2f} % against slots that share nothing\n", step.tasks,
                     time_text(subject.job, step.step_ns), 100 * (static_cast<double>(step.step_ns) / slots_ns - 1));
}

void print_whole_step(const Subject& subject, const sim::WholeStep& step, std::ostream& out) {
  const auto time = [&](int64_t ns) { return time_text(subject.job, ns); };
  print_whole_step_time(subject, step, out);
  TextTable table({"rank", "compute", "slowed by", "all-to-all", "hidden", "waits for peers", "links shared"});
  for (size_t rank = 0; rank < step.ranks.size(); ++rank) {
    const sim::LaneUse& use = step.ranks[rank];
    table.add_row({std::to_string(rank), time(use.compute_ns), time(use.slowed_ns), time(use.exchange_ns),
                   time(use.hidden_ns), time(use.peers_ns), time(use.links_ns)});
  }
  out << '\n' << table.text();
}

nlohmann::json whole_step_json(const sim::WholeStep& step) {
  nlohmann::json json = {{"step", json_time(step.step_ns)}, {"tasks", step.tasks}, {"ranks", nlohmann::json::array()}};
  for (const sim::LaneUse& use : step.ranks) {
    json["ranks"].push_back({{"compute", json_time(use.compute_ns)},
                             {"slowed", json_time(use.slowed_ns)},
                             {"all_to_all", json_time(use.exchange_ns)},
                             {"hidden", json_time(use.hidden_ns)},
                             {"waits_for_peers", json_time(use.peers_ns)},
                             {"links_shared", json_time(use.links_ns)}});
  }
  return json;
}

}  // namespace pipeloom::planner
