#include <fmt/format.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <ostream>

#include "backend/cli/device_choice.h"
#include "backend/cli/expert_loads.h"
#include "backend/cli/folder_store.h"
#include "backend/cli/process_ranks.h"
#include "backend/cli/remark.h"
#include "backend/cli/run_facts.h"
#include "backend/cli/run_options.h"
#include "backend/cli/run_report.h"
#include "backend/cli/step_printer.h"
#include "backend/cli/stop_signals.h"
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
  run.on_remark = [&](const std::string& remark) { print_remark(output.err, remark); };
  return run;
}

Result<RunEnd> pace(const CommandOptions& options, const RunOutput& output, const Plan& plan, const DeviceKind& device,
                    ProcessRanks& ranks) {
  const std::vector<Fact> facts = run_facts(options, plan, nullptr);
  ranks.prepare(facts, nullptr);
  const DeviceRunOptions run = run_options(options, output);
  const auto on_end = [&](const DeviceRunResult& result) { return report_run(options, output, plan, result, nullptr); };
  PIPELOOM_RETURN_IF_ERROR(device.run({plan, nullptr, {}, run, false, ranks, on_end}));
  return RunEnd::kDone;
}

// "stopped after step 12 of 100; ...": what rank 0 says of a run that did not come to its end.
std::string stopped_text(const CommandOptions& options, int64_t steps, bool saved) {
  return fmt::format("stopped after step {} of {}: {}", steps, options.steps,
                     saved ? "--resume goes on from there" : "nothing is saved of it");
}

Result<RunEnd> train(const CommandOptions& options, const RunOutput& output, const Plan& plan, const DeviceKind& device,
                     ProcessRanks& ranks) {
  PIPELOOM_RETURN_IF_ERROR(device.check_job(plan.job));
  PIPELOOM_TRY(const TextTokens text, read_text(options, plan.job));
  DeviceRunOptions run = run_options(options, output);
  std::optional<FolderStore> store;
  std::optional<StopSignals> signals;
  if (!options.checkpoint_folder.empty()) {
    PIPELOOM_TRY(store, FolderStore::create(options.checkpoint_folder));
    run.checkpoints = {&*store, options.checkpoint_every, options.resume, options.overwrite, options.keep_checkpoints};
    signals.emplace(options.grace_s);
  }
  const std::vector<Fact> facts = run_facts(options, plan, &text);
  ranks.prepare(facts, signals ? &*signals : nullptr);
  std::atomic<bool> unread = false;  // nobody takes what is printed: the run stops as well
  run.wants_stop = [&] { return unread || (signals && signals->received() != 0); };
  std::optional<std::string> stopped;
  std::mutex stopping;  // ranks may be threads
  run.on_stop = [&](int64_t steps, bool saved) {
    const std::lock_guard lock(stopping);
    stopped = stopped_text(options, steps, saved);
  };
  StepPrinter printer(options, output, micro_batches_per_step(plan.job) * plan.job.batch.tokens());
  run.on_step = [&](const StepReport& report) {
    printer.step(report);
    unread = !output.out.good();
  };
  const auto on_end = [&](const DeviceRunResult& result) -> Status {
    PIPELOOM_RETURN_IF_ERROR(report_run(options, output, plan, result, &printer));
    if (stopped) print_remark(output.err, *stopped);
    return {};
  };
  PIPELOOM_RETURN_IF_ERROR(
      device.run({plan, &text, training_options(options), run, options.ranks == "sequential", ranks, on_end}));
  return stopped ? RunEnd::kStopped : RunEnd::kDone;
}

}  // namespace

Result<RunEnd> run_plan_file(const CommandOptions& options, const RunOutput& output, const DeviceTable& devices) {
  PIPELOOM_TRY(const Plan plan, checked_plan(options.plan_path));
  PIPELOOM_RETURN_IF_ERROR(check_expert_loads(options, plan.job));
  const DeviceKind& device = *devices.find(options.device);
  ProcessRanks ranks(options, output, plan);
  PIPELOOM_RETURN_IF_ERROR(check_options(options, ranks.one_process(), device, devices));
  if (ranks.one_process()) PIPELOOM_RETURN_IF_ERROR(check_outputs(options));
  return options.paced ? pace(options, output, plan, device, ranks) : train(options, output, plan, device, ranks);
}

}  // namespace pipeloom::backend
