#include "backend/cli/run_cuda.h"

#ifdef PIPELOOM_WITH_CUDA

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "backend/cli/expert_loads.h"
#include "backend/cli/folder_store.h"
#include "backend/cli/rank_launch.h"
#include "backend/cli/start.h"
#include "backend/cli/step_printer.h"
#include "backend/cli/training_options.h"
#include "backend/device/model/gpu_trainable.h"
#include "backend/cuda/nccl/nccl_run.h"
#include "backend/cuda/run/gpu_facts.h"
#include "backend/cuda/run/one_gpu_run.h"
#include "backend/cuda/run/training_launcher.h"
#include "backend/device/setup/local_rank.h"
#include "proto/trace/trace_io.h"

namespace pipeloom::backend {

namespace {

Status check_options(const CommandOptions& options) {
  if (options.check) return unsupported("--check: GPUs have no check mode; leave it out, or use --device cpu");
  PIPELOOM_RETURN_IF_ERROR(check_checkpoints(options));
  if (options.ranks == "sequential") return invalid("--ranks sequential runs on CPUs: use --device cpu");
  return {};
}

Status print_result(const CommandOptions& options, const RunOutput& output, const Plan& plan,
                    const GpuRunResult& result) {
  // A resumed run may have nothing to do.
  const int64_t fastest_ns = result.step_ns.empty() ? 0 : std::ranges::min(result.step_ns);
  const std::string averages = plan.job.ema_decay > 0 ? fmt::format("{:016x}", result.averages_digest) : "";
  if (options.json) {
    output.out << nlohmann::json{{"step_ns", result.step_ns},
                                 {"fastest_step_ns", fastest_ns},
                                 {"compute_sms", result.partition.compute_sms},
                                 {"comm_sms", result.partition.comm_sms},
                                 {"steps_run", result.how},
                                 {"traced_by", result.traced_by},
                                 {"sm_census_errors", result.census},
                                 {"moving_averages", averages}}
                      .dump()
               << '\n';
  } else {
    output.out << fmt::format("SMs: {}\nSteps were run as {}\nFastest step on the device: {:.3f} ms\n",
                              describe(result.partition), result.how, static_cast<double>(fastest_ns) / 1e6);
    if (options.paced) {
      output.out << (result.census.empty() ? "SM census: no SM was used by two partitions\n" : "SM census:\n");
      for (const std::string& error : result.census) output.out << "  " << error << '\n';
    }
    if (!averages.empty() && !options.paced) output.out << "moving averages " << averages << '\n';
    if (!result.traced_by.empty()) output.out << fmt::format("Traced by {}\n", result.traced_by);
  }
  PIPELOOM_RETURN_IF_ERROR(write_expert_loads(options, result.expert_loads));
  if (options.trace_path.empty()) return {};
  return proto::write_trace(options.trace_path,
                            {plan.job.name, plan.task_digest, result.trace.spans, result.trace.clock_error_ns});
}

GpuRunOptions run_options(const CommandOptions& options, const RunOutput& output) {
  GpuRunOptions run;
  run.steps = options.steps;
  run.paced = options.paced;
  run.graphs = !options.no_graph;
  run.copy = find_copy_method(options.copy);
  run.link_bytes_per_s = options.link_gbytes_per_s * 1e9;
  run.traced = !options.trace_path.empty();
  run.patience_ns = patience_ns(options);
  run.on_remark = [&](const std::string& remark) { output.err << "pipeloom-run: " << remark << std::endl; };
  return run;
}

Status run_on_this_gpu(const CommandOptions& options, const RunOutput& output, const GpuRun& run) {
  PIPELOOM_TRY(const GpuRunResult result, run_on_one_gpu(run, options.gpu));
  return print_result(options, output, run.plan, result);
}

Status run_gpu_each(const CommandOptions& options, const RunOutput& output, const GpuRun& run,
                    const std::string& ranks) {
  const int count = run.plan.schedule.ranks() * run.plan.job.layout.data;
  const auto rank_main = [&](Endpoint& endpoint) -> Status {
    PIPELOOM_TRY(const GpuRunResult result, run_gpu_rank(run, endpoint, local_rank(endpoint.rank(), of_this_process)));
    return endpoint.rank() == 0 ? print_result(options, output, run.plan, result) : Status{};
  };
  return launch({ranks, count, patience_ns(options)}, rank_main, output.err);
}

}  // namespace

Status run_on_gpus(const CommandOptions& options, const RunOutput& output, const Plan& plan) {
  PIPELOOM_RETURN_IF_ERROR(check_options(options));
  if (const std::string reason = why_no_gpu_here(); !reason.empty()) {
    return unsupported(fmt::format("--device cuda: {}; --device cpu runs the same plan on CPUs", reason));
  }
  GpuRunOptions gpu_options = run_options(options, output);
  const std::string ranks = chosen_ranks(options.ranks, of_this_process);
  if (options.paced) {
    return run_on_this_gpu(options, output, {plan, {}, gpu_options});
  }
  PIPELOOM_RETURN_IF_ERROR(check_trainable(plan.job));
  PIPELOOM_RETURN_IF_ERROR(check_gpu_trainable(plan.job));
  PIPELOOM_TRY(const TextTokens text, read_text(options, plan.job));
  const TrainingOptions training = training_options(options);
  const LauncherSource launchers = training_launchers(plan, text, training);
  std::optional<FolderStore> store;
  if (!options.checkpoint_folder.empty()) {
    PIPELOOM_TRY(store, FolderStore::create(options.checkpoint_folder));
    gpu_options.checkpoints = {&*store, options.checkpoint_every, options.resume};
  }
  StepPrinter printer(options, output, micro_batches_per_step(plan.job) * plan.job.batch.tokens());
  gpu_options.on_step = [&](const StepReport& report) { printer.step(report); };
  const GpuRun run{plan, launchers, gpu_options};
  return ranks == "threads" ? run_on_this_gpu(options, output, run) : run_gpu_each(options, output, run, ranks);
}

}  // namespace pipeloom::backend

#else

namespace pipeloom::backend {

Status run_on_gpus(const CommandOptions& /*options*/, const RunOutput& /*output*/, const Plan& /*plan*/) {
  return unsupported(
      "--device cuda: this pipeloom-run was built without CUDA (its configuration said what was missing); --device cpu "
      "runs the same plan on CPUs");
}

}  // namespace pipeloom::backend

#endif
