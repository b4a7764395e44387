#pragma once

#include <functional>
#include <iosfwd>

#include "core/result.h"
#include "planner/cli/program.h"

namespace CLI {
class App;
}

namespace pipeloom {

// Where a command prints.
struct Output {
  std::ostream& out;
  Terminal terminal;
};

// What a chosen subcommand does once the command line is parsed.
using Action = std::function<Status(const Output&)>;

// Each adds one subcommand to `app`; choosing it sets `chosen`.
void add_compare(CLI::App& app, Action& chosen);
void add_plan(CLI::App& app, Action& chosen);
void add_show(CLI::App& app, Action& chosen);
void add_simulate(CLI::App& app, Action& chosen);
void add_explain(CLI::App& app, Action& chosen);
void add_export(CLI::App& app, Action& chosen);
void add_order(CLI::App& app, Action& chosen);
void add_list_schedules(CLI::App& app, Action& chosen);

}  // namespace pipeloom
