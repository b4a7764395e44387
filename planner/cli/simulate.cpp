#include <nlohmann/json.hpp>
#include <ostream>

#include "planner/cli/command.h"
#include "planner/cli/report.h"
#include "planner/cli/subject.h"

namespace pipeloom {

Status run_simulate(const SimulateOptions& options, const Output& output) {
  PIPELOOM_TRY(const Subject subject, load_subject(options.subject));
  if (options.json) {
    output.out << subject_json(subject).dump(2) << '\n';
    return {};
  }
  output.out << headline(subject) << '\n';
  print_summary(subject, output);
  return {};
}

}  // namespace pipeloom
