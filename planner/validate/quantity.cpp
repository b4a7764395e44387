#include "planner/validate/quantity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "planner/evaluate/step_figures.h"
#include "planner/validate/step_parts.h"
#include "sim/cost/job_costs.h"
#include "sim/cost/overlap_costs.h"
#include "sim/cost/parameter_count.h"

namespace pipeloom::planner {

namespace {

constexpr double kNsPerS = 1e9;
constexpr double kNsPerMs = 1e6;
constexpr double kNsPerUs = 1e3;

StepFigures figures_of(const Job& job, const Evaluation& evaluation) {
  return step_figures(job, evaluation.end.step_ns);
}

double tokens_per_step(const Job& job) {
  return static_cast<double>(job.batch.sequence_length) * static_cast<double>(job.batch.global_batch);
}

// A stage of the last MoE layer, as an overlapped pair meets it; nothing where the model has none.
std::optional<sim::OverlapStage> overlapped_layers(const Job& job, int layers) {
  const Model& model = *job.model;
  int last = model.layers - 1;
  while (last >= 0 && !model.is_moe_layer(last)) --last;
  if (last < 0) return std::nullopt;
  sim::OverlapStage one = sim::overlap_stages(job, {last, 1, model.layers - last - 1})[1];
  sim::OverlapStage stage;
  const auto repeat = [&](const StageProgram& layer, StageProgram& program) {
    for (int i = 0; i < layers; ++i) {
      for (ComponentCost part : layer) {
        part.layer = i;
        program.push_back(part);
      }
    }
  };
  repeat(one.alone, stage.alone);
  for (size_t kernel = 0; kernel < std::size(one.beside); ++kernel) repeat(one.beside[kernel], stage.beside[kernel]);
  return stage;
}

// Attention holds the router too: the published profile does not tell them apart.
bool counts_as(Component part, Component wanted) {
  return part == wanted || (wanted == Component::kAttention && part == Component::kRouter);
}

template <Component kComponent, int64_t ComponentCost::*kPass>
std::optional<double> component_us(const Job& job, const Evaluation&) {
  const auto layer = overlapped_layers(job, 1);
  if (!layer) return std::nullopt;
  int64_t sum_ns = 0;
  for (const ComponentCost& part : layer->alone) {
    if (counts_as(part.component, kComponent)) sum_ns += part.*kPass;
  }
  // A transfer's payload only.
  if (kComponent == Component::kDispatch || kComponent == Component::kCombine) {
    sum_ns -= static_cast<int64_t>(job.cluster->gpu.rates.all_to_all_notify_us * kNsPerUs);
  }
  return static_cast<double>(sum_ns) / kNsPerUs;
}

std::optional<double> layer_compute_us(const Job& job, const Evaluation&) {
  const auto layer = overlapped_layers(job, 1);
  if (!layer) return std::nullopt;
  int64_t sum_ns = 0;
  for (const ComponentCost& part : layer->alone) {
    if (part.lane == Lane::kCompute) sum_ns += part.forward_ns + part.input_ns + part.weight_ns;
  }
  return static_cast<double>(sum_ns) / kNsPerUs;
}

std::optional<double> pair_of_4_layers_ms(const Job& job, const Evaluation&) {
  const auto stage = overlapped_layers(job, 4);
  if (!stage) return std::nullopt;
  return static_cast<double>(sim::time_slot(sim::usual_order(*stage, *stage), *stage, *stage).duration_ns) / kNsPerMs;
}

template <int64_t StepParts::*kPart>
std::optional<double> part_s(const Job&, const Evaluation& evaluation) {
  return static_cast<double>(step_parts(evaluation).*kPart) / kNsPerS;
}

constexpr Quantity kQuantities[] = {
    {"parameters_1e9", "weights of the model, a tied head once, without MTP modules",
     [](const Job& job, const Evaluation&) -> std::optional<double> {
       return static_cast<double>(sim::total_parameters(*job.model)) / 1e9;
     }},
    {"active_parameters_1e9", "weights that a token meets in products",
     [](const Job& job, const Evaluation&) -> std::optional<double> {
       return static_cast<double>(sim::active_parameters(*job.model)) / 1e9;
     }},
    {"flops_per_token_1e9", "of training: 6 per weight in products, and causal attention",
     [](const Job& job, const Evaluation&) -> std::optional<double> {
       return static_cast<double>(sim::reported_flops_per_step(job)) * job.cluster->gpus() / tokens_per_step(job) / 1e9;
     }},
    {"step_s", "time of a training step",
     [](const Job&, const Evaluation& evaluation) -> std::optional<double> {
       return static_cast<double>(evaluation.end.step_ns) / kNsPerS;
     },
     false},
    {"tokens_per_day_1e9", "tokens trained on in a day",
     [](const Job& job, const Evaluation& evaluation) -> std::optional<double> {
       return figures_of(job, evaluation).tokens_per_s_per_gpu * job.cluster->gpus() * 86'400 / 1e9;
     }},
    {"tflops_per_gpu", "achieved, causal attention",
     [](const Job& job, const Evaluation& evaluation) -> std::optional<double> {
       return figures_of(job, evaluation).tflops_per_gpu;
     }},
    {"mfu_percent", "achieved of the 16-bit peak, causal attention",
     [](const Job& job, const Evaluation& evaluation) -> std::optional<double> {
       return 100 * figures_of(job, evaluation).mfu;
     }},
    {"memory_gbytes", "of the fullest GPU",
     [](const Job&, const Evaluation& evaluation) -> std::optional<double> {
       return static_cast<double>(evaluation.peak_memory()) / 1e9;
     }},
    {"attention_f_us", "attention and router of a MoE layer beside communication, F",
     component_us<Component::kAttention, &ComponentCost::forward_ns>},
    {"attention_i_us", "the same, I", component_us<Component::kAttention, &ComponentCost::input_ns>},
    {"attention_w_us", "the same, W", component_us<Component::kAttention, &ComponentCost::weight_ns>},
    {"experts_f_us", "experts of a MoE layer beside communication, F",
     component_us<Component::kExperts, &ComponentCost::forward_ns>},
    {"experts_i_us", "the same, I", component_us<Component::kExperts, &ComponentCost::input_ns>},
    {"experts_w_us", "the same, W", component_us<Component::kExperts, &ComponentCost::weight_ns>},
    {"layer_compute_us", "F, I and W of a MoE layer beside communication, all-to-all apart", layer_compute_us},
    {"dispatch_f_us", "payload of dispatch, F", component_us<Component::kDispatch, &ComponentCost::forward_ns>},
    {"dispatch_i_us", "payload of dispatch's backward", component_us<Component::kDispatch, &ComponentCost::input_ns>},
    {"combine_f_us", "payload of combine, F", component_us<Component::kCombine, &ComponentCost::forward_ns>},
    {"combine_i_us", "payload of combine's backward", component_us<Component::kCombine, &ComponentCost::input_ns>},
    {"pair_of_4_layers_ms", "an overlapped pair of four MoE layers", pair_of_4_layers_ms},
    {"step_1f_s", "F outside of pairs, mean of the ranks", part_s<&StepParts::forward_ns>, false},
    {"step_1b_s", "I outside of pairs, that of whole B too, mean of the ranks", part_s<&StepParts::input_ns>, false},
    {"step_1w_s", "W outside of pairs, that of whole B too, mean of the ranks", part_s<&StepParts::weight_ns>, false},
    {"step_1f1b_s", "overlapped pairs, mean of the ranks", part_s<&StepParts::pairs_ns>, false},
    {"step_bubble_s", "idle until the last rank ends, mean of the ranks", part_s<&StepParts::bubble_ns>, false},
    {"step_optimizer_s", "gradient reduction and optimizer after the last pass", part_s<&StepParts::optimizer_ns>,
     false},
};

}  // namespace

std::span<const Quantity> quantities() {
  return kQuantities;
}

Result<const Quantity*> find_quantity(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Quantity& quantity : kQuantities) {
    if (quantity.name == name) return &quantity;
    names.push_back(quantity.name);
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("references: quantity \"{}\" is unknown; allowed are {}", name, fmt::join(names, ", ")));
}

}  // namespace pipeloom::planner
