#include "backend/cli/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "backend/cli/expert_loads.h"
#include "proto/base/files.h"
#include "proto/trace/trace_io.h"

namespace pipeloom::backend {

namespace {

void print_makespan(const CommandOptions& options, const RunOutput& output, const std::vector<Span>& spans) {
  const int64_t makespan_ns = std::ranges::max(spans, {}, &Span::end_ns).end_ns;
  if (options.json) {
    output.out << nlohmann::json{{"makespan_ns", makespan_ns}, {"tasks", spans.size()}}.dump() << '\n';
  } else {
    output.out << fmt::format("{} tasks in {:.3f} ms\n", spans.size(), static_cast<double>(makespan_ns) / 1e6);
  }
}

std::string averages_of(const Job& job, const DeviceRunResult& result) {
  return job.ema_decay > 0 ? fmt::format("{:016x}", result.averages_digest) : "";
}

// A resumed run may have nothing to do.
int64_t fastest_ns(const DeviceRunResult& result) {
  return result.step_ns.empty() ? 0 : std::ranges::min(result.step_ns);
}

void print_launched_json(const RunOutput& output, const Plan& plan, const DeviceRunResult& result) {
  output.out << nlohmann::json{{"step_ns", result.step_ns},
                               {"fastest_step_ns", fastest_ns(result)},
                               {"compute_sms", result.partition.compute_sms},
                               {"comm_sms", result.partition.comm_sms},
                               {"steps_run", result.how},
                               {"traced_by", result.traced_by},
                               {"sm_census_errors", result.census},
                               {"moving_averages", averages_of(plan.job, result)}}
                    .dump()
             << '\n';
}

void print_launched(const CommandOptions& options, const RunOutput& output, const Plan& plan,
                    const DeviceRunResult& result) {
  output.out << fmt::format("SMs: {}\nSteps were run as {}\nFastest step on the device: {:.3f} ms\n",
                            describe(result.partition), result.how, static_cast<double>(fastest_ns(result)) / 1e6);
  if (options.paced) {
    output.out << (result.census.empty() ? "SM census: no SM was used by two partitions\n" : "SM census:\n");
    for (const std::string& error : result.census) output.out << "  " << error << '\n';
  }
  const std::string averages = averages_of(plan.job, result);
  if (!averages.empty() && !options.paced) output.out << "moving averages " << averages << '\n';
  if (!result.traced_by.empty()) output.out << fmt::format("Traced by {}\n", result.traced_by);
}

}  // namespace

Status check_outputs(const CommandOptions& options) {
  for (const std::string& path : {options.trace_path, options.expert_load_path}) {
    if (!path.empty()) PIPELOOM_RETURN_IF_ERROR(proto::check_writable(path));
  }
  return {};
}

Status report_run(const CommandOptions& options, const RunOutput& output, const Plan& plan,
                  const DeviceRunResult& result, StepPrinter* printer) {
  const bool launched = !result.how.empty();
  if (launched && options.json) {
    print_launched_json(output, plan, result);
  } else if (launched) {
    print_launched(options, output, plan, result);
  } else if (options.paced) {
    print_makespan(options, output, result.trace.spans);
  }
  if (printer != nullptr && result.parameters_digest) {
    printer->end(*result.parameters_digest,
                 plan.job.ema_decay > 0 ? std::optional(result.averages_digest) : std::nullopt);
  }
  PIPELOOM_RETURN_IF_ERROR(write_expert_loads(options, result.expert_loads));
  if (options.trace_path.empty()) return {};
  return proto::write_trace(options.trace_path,
                            {plan.job.name, plan.task_digest, result.trace.spans, result.trace.clock_error_ns});
}

}  // namespace pipeloom::backend
