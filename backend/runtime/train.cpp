#include "backend/runtime/train.h"

#include <fmt/format.h>

#include <exception>
#include <thread>

#include "backend/runtime/executor.h"
#include "backend/runtime/rendezvous.h"
#include "backend/runtime/training_runner.h"
#include "backend/transport/threads.h"

namespace pipeloom {

namespace {

// By micro-batch of the whole batch: replica after replica, as the sequential run counts them.
std::map<int64_t, double> numbered(const std::map<int, double>& losses, int replica, int micro_batches) {
  std::map<int64_t, double> result;
  for (const auto& [micro_batch, loss] : losses) result[int64_t{replica} * micro_batches + micro_batch] = loss;
  return result;
}

// Of the step that began at `begin_ns`.
std::vector<Span> since(int64_t begin_ns, std::vector<Span> spans) {
  for (Span& span : spans) {
    span.begin_ns -= begin_ns;
    span.end_ns -= begin_ns;
  }
  return spans;
}

Status merge(TrainingResult part, TrainingResult& whole) {
  whole.losses = std::move(part.losses);
  for (auto& [name, numbers] : part.parameters) {
    const auto [place, is_new] = whole.parameters.emplace(name, numbers);
    if (!is_new && place->second != numbers) {
      return invalid(fmt::format("the copies of {} differ after the run", name));
    }
  }
  return {};
}

Status write_spans(std::vector<std::vector<Span>>& spans, int pipeline, TraceSink& trace) {
  for (int rank = 0; rank < pipeline; ++rank) {
    for (const Span& span : spans[rank]) PIPELOOM_CHECK_OK(trace.add(span));
  }
  return {};
}

// Calls `function` with each rank on a thread of its own. A bug on one of them ends the run on all, and is thrown here.
void run_threads(const std::vector<std::unique_ptr<Endpoint>>& endpoints, const std::function<void(int)>& function) {
  std::vector<std::exception_ptr> bugs(endpoints.size());
  {
    std::vector<std::jthread> threads;
    for (size_t rank = 0; rank < endpoints.size(); ++rank) {
      threads.emplace_back([&, rank] {
        try {
          function(static_cast<int>(rank));
        } catch (const std::exception& bug) {
          bugs[rank] = std::current_exception();
          endpoints[rank]->abort({ErrorCode::kInvalid, fmt::format("rank {} failed: {}", rank, bug.what())});
        }
      });
    }
  }
  for (const std::exception_ptr& bug : bugs) {
    if (bug) std::rethrow_exception(bug);
  }
}

}  // namespace

Result<TrainingResult> train_rank(const TrainingRun& run, Endpoint& endpoint, std::vector<Span>& last_spans) {
  const auto& [plan, graph, text, options] = run;
  TrainingRunner runner(plan, text, options.training, endpoint);
  const RankProgram program(plan.schedule, graph, runner.rank().pipeline_rank);
  Executor executor(program, runner, endpoint, options.patience_ns);
  const double loss_scale = part_shape(plan.job, 0).loss_scale;
  TrainingResult result;
  PIPELOOM_TRY(StepStart start, meet(endpoint, 0, plan.task_digest, {}, options.patience_ns));
  for (int64_t step = 0; step < options.steps; ++step) {
    runner.begin_step(step);
    PIPELOOM_CHECK_OK(executor.run_step());
    const auto losses = numbered(runner.losses(), runner.rank().replica, plan.job.micro_batches);
    if (step + 1 == options.steps) last_spans = since(start.begin_ns, executor.spans());
    const int64_t begin_ns = start.begin_ns;
    PIPELOOM_TRY(start, meet(endpoint, step + 1, plan.task_digest, losses, options.patience_ns));
    result.losses.push_back(start.loss_sum * loss_scale);
    if (endpoint.rank() == 0 && options.on_step) {
      options.on_step({step, result.losses.back(), start.begin_ns - begin_ns});
    }
  }
  for (const auto& chunk : runner.chunks()) copy_parameters(chunk->state(), result.parameters);
  return result;
}

Result<TrainingResult> train_on_threads(const TrainingRun& run) {
  PIPELOOM_CHECK_OK(check_trainable(run.plan.job));
  const Layout& layout = run.plan.job.layout;
  const int ranks = layout.pipeline * layout.data;
  const auto endpoints = connect_threads(ranks);
  std::vector<Result<TrainingResult>> results(ranks, TrainingResult{});
  std::vector<std::vector<Span>> spans(ranks);
  run_threads(endpoints, [&](int rank) { results[rank] = train_rank(run, *endpoints[rank], spans[rank]); });
  TrainingResult whole;
  for (Result<TrainingResult>& part : results) {
    if (!part) return tl::unexpected<Error>(part.error());
    PIPELOOM_CHECK_OK(merge(std::move(*part), whole));
  }
  if (run.options.trace != nullptr) PIPELOOM_CHECK_OK(write_spans(spans, layout.pipeline, *run.options.trace));
  return whole;
}

}  // namespace pipeloom
