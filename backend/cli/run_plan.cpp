#include <fmt/format.h>

#include <optional>
#include <ostream>

#include "backend/cli/device_choice.h"
#include "backend/cli/expert_loads.h"
#include "backend/cli/folder_store.h"
#include "backend/cli/process_ranks.h"
#include "backend/cli/run_options.h"
#include "backend/cli/run_report.h"
#include "backend/cli/step_printer.h"
#include "backend/cli/training_options.h"
#include "core/job/copy_method.h"
#include "core/tasks/lower.h"
#include "proto/plan/plan_io.h"

namespace pipeloom::backend {

namespace {

Result<Plan> checked_plan(const std::string& path) {
  PIPELOOM_TRY(Plan plan, proto::read_plan(path));
  if (const Status same = check_digest(plan); !same) {
    return fail(same.error().code, fmt::format("{}: {}", path, same.error().message));
  }
  return plan;
}

// What the command line alone decides.
Status check_options(const CommandOptions& options, bool one_process, const DeviceKind& device,
                     const DeviceTable& devices) {
  if (device.missing.empty()) PIPELOOM_RETURN_IF_ERROR(check_abilities(options, one_process, device, devices));
  PIPELOOM_RETURN_IF_ERROR(check_checkpoints(options));
  const bool asks_for_more = !options.trace_path.empty() || !options.checkpoint_folder.empty();
  if (options.ranks == "sequential" && asks_for_more) {
    return invalid("--ranks sequential writes neither traces nor checkpoints");
  }
  return devices.check_here(device);
}

DeviceRunOptions run_options(const CommandOptions& options, const RunOutput& output) {
  DeviceRunOptions run;
  run.steps = options.steps;
  run.patience_ns = patience_ns(options);
  run.traced = !options.trace_path.empty();
  run.paced = options.paced;
  run.varied_share = options.varied_percent / 100;
  run.varied_seed = options.seed;
  run.device = options.gpu;
  run.graphs = !options.no_graph;
  run.copy = find_copy_method(options.copy);
  run.link_bytes_per_s = options.link_gbytes_per_s * 1e9;
  run.on_remark = [&](const std::string& remark) { output.err << "pipeloom-run: " << remark << std::endl; };
  return run;
}

Status pace(const CommandOptions& options, const RunOutput& output, const Plan& plan, const DeviceKind& device,
            const RankStarter& ranks) {
  const DeviceRunOptions run = run_options(options, output);
  const auto on_end = [&](const DeviceRunResult& result) { return report_run(options, output, plan, result, nullptr); };
  return device.run({plan, nullptr, {}, run, false, ranks, on_end});
}

Status train(const CommandOptions& options, const RunOutput& output, const Plan& plan, const DeviceKind& device,
             const RankStarter& ranks) {
  PIPELOOM_RETURN_IF_ERROR(device.check_job(plan.job));
  PIPELOOM_TRY(const TextTokens text, read_text(options, plan.job));
  DeviceRunOptions run = run_options(options, output);
  std::optional<FolderStore> store;
  if (!options.checkpoint_folder.empty()) {
    PIPELOOM_TRY(store, FolderStore::create(options.checkpoint_folder));
    run.checkpoints = {&*store, options.checkpoint_every, options.resume};
  }
  StepPrinter printer(options, output, micro_batches_per_step(plan.job) * plan.job.batch.tokens());
  run.on_step = [&](const StepReport& report) { printer.step(report); };
  const auto on_end = [&](const DeviceRunResult& result) {
    return report_run(options, output, plan, result, &printer);
  };
  return device.run({plan, &text, training_options(options), run, options.ranks == "sequential", ranks, on_end});
}

}  // namespace

Status run_plan_file(const CommandOptions& options, const RunOutput& output, const DeviceTable& devices) {
  PIPELOOM_TRY(const Plan plan, checked_plan(options.plan_path));
  PIPELOOM_RETURN_IF_ERROR(check_expert_loads(options, plan.job));
  const DeviceKind& device = *devices.find(options.device);
  const ProcessRanks ranks(options, output, plan);
  PIPELOOM_RETURN_IF_ERROR(check_options(options, ranks.one_process(), device, devices));
  return options.paced ? pace(options, output, plan, device, ranks) : train(options, output, plan, device, ranks);
}

}  // namespace pipeloom::backend
