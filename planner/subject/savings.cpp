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

// What a framework does that it could leave.
std::vector<Without> without_each_of_software(const Job& job) {
  std::vector<Without> jobs;
  const Software& software = *job.software;
  const auto add = [&](bool used, std::string option, auto change) {
    if (!used) return;
    Job changed = job;
    change(*changed.software);
    jobs.push_back({std::move(option), std::move(changed)});
  };
  const auto flag = [&](bool matters, const char* option, bool Software::*field) {
    add(matters && software.*field, option, [&](Software& changed) { changed.*field = false; });
  };
  add(software.recipe != ProductRecipe::kWide, fmt::format("products in {}", recipe_name(software.recipe)),
      [](Software& changed) {
        changed.recipe = ProductRecipe::kWide;
        changed.eight_bit_head = false;
      });
  flag(true, "attention in FP8", &Software::eight_bit_attention);
  add(software.gathered == Format::kFp8, "weights gathered in FP8",
      [](Software& changed) { changed.gathered = Format::kBf16; });
  add(software.gradients != Format::kFp32, fmt::format("gradients in {}", format_name(software.gradients)),
      [](Software& changed) { changed.gradients = Format::kFp32; });
  flag(true, "the optimizer's states in BF16", &Software::low_precision_states);
  add(software.graphs != CapturedParts{}, "CUDA graphs", [](Software& changed) { changed.graphs = {}; });
  const bool experts = job.model->moe && job.layout.expert > 1;
  flag(experts, "all-to-all beside the other pass", &Software::overlap_experts);
  flag(job.model->moe.has_value(), "fused experts", &Software::fused_experts);
  flag(job.layout.tensor > 1, "tensor parallelism's collectives beside products", &Software::overlap_tensor);
  flag(true, "gradients reduced beside the backward pass", &Software::overlap_gradients);
  flag(true, "weights gathered beside the forward pass", &Software::overlap_weights);
  for (const RecomputedPartName& part : recomputed_part_names()) {
    add(software.recompute.*part.part, fmt::format("{} recomputed", part.name),
        [&](Software& changed) { changed.recompute.*part.part = false; });
  }
  return jobs;
}

std::vector<Without> without_each_option(const Job& job) {
  std::vector<Without> jobs;
  if (job.software) jobs = without_each_of_software(job);
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
  const Schedule& schedule = subject.evaluation.schedule;
  const auto evaluated = [&](const Job& job) -> Result<Evaluation> {
    PIPELOOM_TRY(StepCosts costs, sim::step_costs(job, schedule.placement(), subject.evaluation.costs.layers_per_stage,
                                                  sim::usual_order));
    return evaluate(job, schedule, std::move(costs));
  };
  PIPELOOM_TRY(const Evaluation with, evaluated(subject.job));
  std::vector<Saving> savings;
  for (const Without& without : without_each_option(subject.job)) {
    const auto other = evaluated(without.job);
    if (!other) continue;
    savings.push_back(
        {without.option, other->peak_memory() - with.peak_memory(), other->end.step_ns - with.end.step_ns});
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
