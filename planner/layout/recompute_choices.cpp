#include "planner/layout/recompute_choices.h"

namespace pipeloom::planner {

namespace {

std::vector<bool RecomputedParts::*> modules_of(const Model& model) {
  std::vector<bool RecomputedParts::*> modules = {&RecomputedParts::norms};
  if (model.attention.is_mla()) modules.push_back(&RecomputedParts::up_projections);
  if (model.moe) modules.push_back(&RecomputedParts::activations);
  if (!model.moe || model.moe->first_dense_layers > 0) modules.push_back(&RecomputedParts::mlp);
  return modules;
}

std::vector<RecomputeChoice> module_choices(const Model& model) {
  const auto modules = modules_of(model);
  std::vector<RecomputeChoice> choices;
  for (unsigned chosen = 0; chosen < 1u << modules.size(); ++chosen) {
    RecomputeChoice& choice = choices.emplace_back();
    for (size_t i = 0; i < modules.size(); ++i) choice.parts.*modules[i] = (chosen >> i & 1) != 0;
  }
  if (model.moe) {
    choices.push_back(choices.back());
    choices.back().parts.activations = false;  // a part of the experts
    choices.back().parts.experts = true;
  }
  return choices;
}

}  // namespace

std::vector<RecomputeChoice> recompute_choices(const Job& job) {
  if (!job.software) return {{Recompute::kNone}, {Recompute::kSelective}, {Recompute::kFull}};
  std::vector<RecomputeChoice> choices = {{}};
  if (job.software->engine == StateEngine::kMegatron) choices = module_choices(*job.model);
  if (job.software->engine == StateEngine::kFsdp) choices.push_back({Recompute::kNone, {.operators = true}});
  choices.push_back({Recompute::kFull});
  return choices;
}

void recompute_as(Job& job, const RecomputeChoice& choice) {
  job.recompute = choice.recompute;
  if (job.software) job.software->recompute = choice.parts;
}

std::string recompute_text(const Job& job) {
  if (job.recompute == Recompute::kFull) return "full";
  if (job.recompute == Recompute::kSelective) return "selective";
  std::string text;
  if (job.software) {
    for (const auto& [name, part] : recomputed_part_names()) {
      if (!(job.software->recompute.*part)) continue;
      if (!text.empty()) text += '+';
      text += name;
    }
  }
  return text.empty() ? "none" : text;
}

}  // namespace pipeloom::planner
