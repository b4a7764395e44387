#include "core/tasks/plan.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "core/base/units.h"
#include "planner/app/save_plan.h"
#include "planner/cli/command.h"
#include "planner/cli/layout_report.h"
#include "planner/cli/overlap_plan.h"
#include "planner/cli/report.h"
#include "planner/cli/subject_options.h"
#include "planner/cli/whole_step_report.h"

namespace pipeloom::planner {

Status run_plan(const PlanOptions& options, const Output& output) {
  PIPELOOM_RETURN_IF_ERROR(check_plan_path(options.output));
  if (options.layout != "free" && (options.explain || !options.hold.empty())) {
    return invalid("--explain and --hold belong to --layout free");
  }
  const std::string& framework = options.subject.framework;
  if (!framework.empty() && framework != "pipeloom" && options.search.given()) {
    return invalid(
        fmt::format("--for {} takes named schedules; --budget, --objective and other options of a search "
                    "find orders that only Pipeloom runs",
                    framework));
  }
  if (options.search.objective == "p95") return run_robust_plan(options, output);
  if (options.variation.given()) return invalid("how durations scatter is given; it needs --objective p95");
  if (options.search.given()) return run_search(options, output);
  std::optional<Job> own;
  std::optional<FoundLayouts> layouts;
  std::optional<Subject> loaded;
  if (options.layout == "free") {
    PIPELOOM_TRY(own, load_job(options.subject));
    PIPELOOM_TRY(layouts, search_layouts_live(*own, options, output));
    if (!options.json) print_layouts(*own, *layouts, options, output);
    PIPELOOM_TRY(loaded, subject_of(layouts->best()));
  } else {
    PIPELOOM_TRY(loaded, load_subject(options.subject));
  }
  Subject chosen = *std::move(loaded);
  PIPELOOM_TRY(const Subject subject, plan_overlap(std::move(chosen), options.comm_sms));
  PIPELOOM_RETURN_IF_ERROR(check_fits(subject));
  if (!options.output.empty()) PIPELOOM_RETURN_IF_ERROR(save_plan(subject, options.output));
  std::optional<sim::WholeStep> whole;
  if (subject.job.model) {
    PIPELOOM_TRY(whole, whole_step_of(subject));
  }
  if (options.json) {
    nlohmann::json json = subject_json(subject);
    if (whole) json["whole_step"] = whole_step_json(*whole);
    if (layouts) json["layouts"] = layouts_json(*own, *layouts);
    output.out << json.dump(2) << '\n';
    return {};
  }
  if (layouts) output.out << "\nThe fastest:\n";
  output.out << headline(subject) << '\n';
  print_summary(subject, output);
  if (whole) print_whole_step_time(subject, *whole, output.out);
  print_split(subject, output.out);
  if (!options.output.empty()) output.out << fmt::format("\nplan written to {}\n", options.output);
  return {};
}

}  // namespace pipeloom::planner
