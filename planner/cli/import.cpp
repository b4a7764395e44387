#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "planner/cli/command.h"
#include "planner/cli/report.h"

namespace pipeloom {

Status run_import(const ImportOptions& options, const Output& output) {
  const std::string& path = options.subject.path;
  if (!path.ends_with(".csv")) {
    return unsupported(fmt::format("{}: unknown kind of file; a PyTorch schedule ends in .csv", path));
  }
  PIPELOOM_TRY(const Subject subject, load_subject(options.subject));
  if (options.json) {
    output.out << subject_json(subject).dump(2) << '\n';
  } else {
    output.out << headline(subject) << "\nvalid: every pass once and in order, no deadlock\n\n";
    print_summary(subject, output);
  }
  if (options.output.empty()) return {};
  PIPELOOM_CHECK_OK(write_plan_of(subject, options.output));
  if (!options.json) output.out << fmt::format("\n{} written\n", options.output);
  return {};
}

}  // namespace pipeloom
