#include "planner/cli/program.h"

#include <CLI/CLI.hpp>
#include <ostream>

#include "planner/cli/command.h"

namespace pipeloom {

namespace {

constexpr int kBadInput = 1;
constexpr int kBadUsage = 2;

constexpr const char* kDescription =
    "Pipeloom plans and simulates pipeline-parallel training: which schedule for my model, my cluster and my memory?";
constexpr const char* kFooter =
    "Start with: pipeloom simulate --schedule 1f1b --ranks 4 --micro-batches 8 --times F=1,B=2\n"
    "A JOB is a .txtpb or .json file (see samples/). One unit of --times is a millisecond.";

}  // namespace

int run_pipeloom(int argc, const char* const* argv, std::ostream& out, std::ostream& err, const Terminal& terminal) {
  CLI::App app(kDescription, "pipeloom");
  app.footer(kFooter);
  app.require_subcommand(1);
  Action chosen;
  add_compare(app, chosen);
  add_plan(app, chosen);
  add_show(app, chosen);
  add_simulate(app, chosen);
  add_explain(app, chosen);
  add_export(app, chosen);
  add_order(app, chosen);
  add_list_schedules(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error, out, err);
    return code == 0 ? 0 : kBadUsage;
  }
  const Status status = chosen(Output{out, terminal});
  if (status) return 0;
  err << "pipeloom: " << status.error().message << '\n';
  return kBadInput;
}

}  // namespace pipeloom
