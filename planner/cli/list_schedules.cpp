#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "planner/cli/command.h"
#include "planner/schedules/table.h"

namespace pipeloom {

namespace {

Status run(bool as_json, const Output& output) {
  nlohmann::json json = nlohmann::json::array();
  for (const NamedSchedule& named : named_schedules()) {
    if (as_json) {
      json.push_back({{"name", named.name},
                      {"title", named.title},
                      {"summary", named.summary},
                      {"paper", named.paper},
                      {"our_reading", named.our_reading}});
    } else {
      output.out << fmt::format("{:<26} {}\n{:<26} {}{}\n", named.name, named.summary, "", named.paper,
                                named.our_reading ? " (our reading of the paper: no public reference code)" : "");
    }
  }
  if (as_json) output.out << json.dump(2) << '\n';
  return {};
}

}  // namespace

void add_list_schedules(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("list-schedules", "The named schedules and where they come from");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "for scripts");
  command->callback([json, &chosen] { chosen = [json](const Output& output) { return run(*json, output); }; });
}

}  // namespace pipeloom
