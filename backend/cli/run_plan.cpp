#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "backend/cli/expert_loads.h"
#include "backend/cli/folder_store.h"
#include "backend/cli/rank_launch.h"
#include "backend/cli/run_cuda.h"
#include "backend/cli/run_options.h"
#include "backend/cli/start.h"
#include "backend/cli/step_printer.h"
#include "backend/cli/training_options.h"
#include "backend/runtime/messages/parameters_digest.h"
#include "backend/runtime/paced/pace.h"
#include "backend/runtime/training/memory_plan.h"
#include "backend/runtime/training/train.h"
#include "core/base/units.h"
#include "core/tasks/lower.h"
#include "proto/base/files.h"
#include "proto/plan/plan_io.h"
#include "proto/trace/trace_io.h"

namespace pipeloom::backend {

namespace {

Result<Plan> checked_plan(const std::string& path) {
  PIPELOOM_TRY(Plan plan, proto::read_plan(path));
  if (const Status same = check_digest(plan); !same) {
    return fail(same.error().code, fmt::format("{}: {}", path, same.error().message));
  }
  return plan;
}

// --- paced ---

Status write_trace_of(const std::string& path, const Plan& plan, const RunTrace& trace) {
  if (path.empty()) return {};
  return proto::write_trace(path, {plan.job.name, plan.task_digest, trace.spans, trace.clock_error_ns});
}

void print_paced(const CommandOptions& options, const RunOutput& output, const std::vector<Span>& spans) {
  const int64_t makespan_ns = std::ranges::max(spans, {}, &Span::end_ns).end_ns;
  if (options.json) {
    output.out << nlohmann::json{{"makespan_ns", makespan_ns}, {"tasks", spans.size()}}.dump() << '\n';
  } else {
    output.out << fmt::format("{} tasks in {:.3f} ms\n", spans.size(), static_cast<double>(makespan_ns) / 1e6);
  }
}

Status run_paced(const CommandOptions& options, const RunOutput& output, const Plan& plan) {
  const TaskGraph graph = lower(plan);
  const std::vector<int64_t> durations_ns = paced_durations(graph, options.varied_percent / 100, options.seed);
  const PacedRun run{plan, graph, durations_ns, options.steps, patience_ns(options)};
  const auto rank_main = [&](Endpoint& endpoint) -> Status {
    PIPELOOM_TRY(const RunTrace trace, pace_rank(run, endpoint));
    if (endpoint.rank() != 0) return {};
    print_paced(options, output, trace.spans);
    return write_trace_of(options.trace_path, plan, trace);
  };
  return launch({chosen_ranks(options.ranks, of_this_process), plan.schedule.ranks(), patience_ns(options)}, rank_main,
                output.err);
}

// --- training ---

Status check_alone(const CommandOptions& options) {
  const bool asks_for_more = !options.trace_path.empty() || !options.checkpoint_folder.empty();
  if (!asks_for_more) return {};
  return invalid("--ranks sequential writes neither traces nor checkpoints");
}

std::optional<uint64_t> averages_of(const Job& job, const TrainingResult& result) {
  if (job.ema_decay == 0) return std::nullopt;
  return result.averages_digest;
}

Status run_sequentially(const CommandOptions& options, const Plan& plan, const TextTokens& text, StepPrinter& printer) {
  PIPELOOM_RETURN_IF_ERROR(check_alone(options));
  PIPELOOM_TRY(const TrainingResult result,
               train_sequentially(plan.job, text, options.steps, training_options(options),
                                  [&](const StepReport& report) { printer.step(report); }));
  printer.end(parameters_digest(result.parameters), averages_of(plan.job, result));
  return write_expert_loads(options, result.expert_loads);
}

Status run_ranks(const CommandOptions& options, const RunOutput& output, const Plan& plan, const TextTokens& text,
                 StepPrinter& printer) {
  PIPELOOM_RETURN_IF_ERROR(check_checkpoints(options));
  RunOptions run_options;
  run_options.training = training_options(options);
  run_options.steps = options.steps;
  run_options.patience_ns = patience_ns(options);
  run_options.on_step = [&](const StepReport& report) { printer.step(report); };
  run_options.traced = !options.trace_path.empty();
  std::optional<FolderStore> store;
  if (!options.checkpoint_folder.empty()) {
    PIPELOOM_TRY(store, FolderStore::create(options.checkpoint_folder));
    run_options.checkpoints = {&*store, options.checkpoint_every, options.resume};
  }
  const TaskGraph graph = lower(plan);
  const TrainingRun run{plan, graph, text, run_options};
  const std::string ranks = chosen_ranks(options.ranks, of_this_process);
  PIPELOOM_TRY(const std::string warning,
               check_memory(plan, graph, run_options.training, ranks_here(ranks, run.ranks(), of_this_process),
                            available_memory_bytes()));
  const auto rank_main = [&](Endpoint& endpoint) -> Status {
    if (endpoint.rank() == 0 && !warning.empty()) output.err << "pipeloom-run: warning: " << warning << std::endl;
    PIPELOOM_TRY(const RankResult result, train_rank(run, endpoint));
    if (endpoint.rank() != 0) return {};
    printer.end(result.parameters_digest, averages_of(plan.job, result.training));
    PIPELOOM_RETURN_IF_ERROR(write_expert_loads(options, result.training.expert_loads));
    return write_trace_of(options.trace_path, plan, result.trace);
  };
  return launch({ranks, run.ranks(), patience_ns(options)}, rank_main, output.err);
}

}  // namespace

Status run_plan_file(const CommandOptions& options, const RunOutput& output) {
  PIPELOOM_TRY(const Plan plan, checked_plan(options.plan_path));
  PIPELOOM_RETURN_IF_ERROR(check_expert_loads(options, plan.job));
  if (options.device == "cuda") return run_on_gpus(options, output, plan);
  if (options.paced) return run_paced(options, output, plan);
  PIPELOOM_RETURN_IF_ERROR(check_trainable(plan.job));
  PIPELOOM_TRY(const TextTokens text, read_text(options, plan.job));
  StepPrinter printer(options, output, micro_batches_per_step(plan.job) * plan.job.batch.tokens());
  if (options.ranks == "sequential") return run_sequentially(options, plan, text, printer);
  return run_ranks(options, output, plan, text, printer);
}

}  // namespace pipeloom::backend
