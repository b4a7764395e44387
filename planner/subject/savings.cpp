#include "planner/subject/savings.h"

#include <fmt/format.h>

#include "sim/cost/job_costs.h"
#include "sim/cost/memory_model.h"

namespace pipeloom::planner {

namespace {

// A job without one of its options.
struct Without {
  std::string option;
  Job job;
};

std::vector<Without> without_each_option(const Job& job) {
  std::vector<Without> jobs;
  const Formats formats = formats_of(job);
  const auto add = [&](std::string option, auto change) {
    Job changed = job;
    change(changed);
    jobs.push_back({std::move(option), std::move(changed)});
  };
  // Adds a job with the plain format if `format` is smaller than that.
  const auto plain = [&](const char* what, Format format, Format plain_format,
                         std::optional<Format> FormatChoice::*field) {
    if (row_bytes(format, kFormatTile) >= row_bytes(plain_format, kFormatTile)) return;
    add(fmt::format("{} in {}", what, format_name(format)),
        [&](Job& changed) { changed.formats.*field = plain_format; });
  };
  plain("attention's products", formats.attention, Format::kBf16, &FormatChoice::attention);
  plain("products of MLPs and experts", formats.mlp, Format::kBf16, &FormatChoice::mlp);
  plain("cached activations", formats.cached, Format::kBf16, &FormatChoice::cached);
  plain("attention's output", formats.cached_core, Format::kBf16, &FormatChoice::cached_core);
  if (job.layout.expert > 1) {
    plain("dispatch", formats.dispatch, Format::kBf16, &FormatChoice::dispatch);
    plain("combine", formats.combine, Format::kBf16, &FormatChoice::combine);
  }
  plain("Adam's moments", formats.moments, Format::kFp32, &FormatChoice::moments);
  if (job.recompute == Recompute::kSelective) {
    const bool mla = job.model->attention.is_mla();
    add(mla ? "norms, activation functions and MLA's up-projections recomputed"
            : "norms and activation functions recomputed",
        [](Job& changed) { changed.recompute = Recompute::kNone; });
  } else if (job.recompute == Recompute::kFull) {
    add("layers recomputed", [](Job& changed) { changed.recompute = Recompute::kNone; });
  }
  return jobs;
}

// Returns costs in which the last stage holds an embedding of its own, not the one that it shares with the first stage.
StepCosts with_own_embedding(const Job& job, const Placement& placement, StepCosts costs) {
  const sim::StageSpan last = sim::stage_spans(costs.layers_per_stage).back();
  costs.states.back() = sim::stage_state(job, sim::stage_parameters(job, last, false), placement.pipes());
  return costs;
}

}  // namespace

Result<std::vector<Saving>> option_savings(const Subject& subject) {
  const Evaluation& with = subject.evaluation;
  std::vector<Saving> savings;
  for (const Without& without : without_each_option(subject.job)) {
    PIPELOOM_TRY(StepCosts costs, sim::step_costs(without.job, with.schedule.placement(), with.costs.layers_per_stage,
                                                  sim::usual_order));
    PIPELOOM_TRY(const Evaluation other, evaluate(without.job, with.schedule, std::move(costs)));
    savings.push_back({without.option, other.peak_memory() - with.peak_memory(), other.end.step_ns - with.end.step_ns});
  }
  if (with.costs.shares_embedding && with.schedule.placement().ends_share_a_rank()) {
    PIPELOOM_TRY(
        const Evaluation other,
        evaluate(subject.job, with.schedule, with_own_embedding(subject.job, with.schedule.placement(), with.costs)));
    savings.push_back({"the MTP module's embedding shared on a rank", other.peak_memory() - with.peak_memory(),
                       other.end.step_ns - with.end.step_ns});
  }
  return savings;
}

}  // namespace pipeloom::planner
