#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "planner/cli/command.h"
#include "planner/schedules/schedule_table.h"

namespace pipeloom::planner {

Status run_list_schedules(const ListSchedulesOptions& options, const Output& output) {
  nlohmann::json json = nlohmann::json::array();
  for (const NamedSchedule& named : named_schedules()) {
    if (options.json) {
      json.push_back({{"name", named.name},
                      {"title", named.title},
                      {"summary", named.summary},
                      {"paper", named.paper},
                      {"our_reading", named.our_reading}});
    } else {
      output.out << fmt::format("{:<30}{}\n{:<30}{}{}\n", named.name, named.summary, "", named.paper,
                                named.our_reading ? " (our reading of the paper: no public reference code)" : "");
    }
  }
  if (options.json) output.out << json.dump(2) << '\n';
  return {};
}

}  // namespace pipeloom::planner
