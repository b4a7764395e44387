#include "planner/layout/recompute_choices.h"

#include <algorithm>

namespace pipeloom::planner {

namespace {

// In the order in which they are added: first what frees much for its work, or work of few layers.
std::vector<bool RecomputedParts::*> modules_of(const Model& model) {
  std::vector<bool RecomputedParts::*> modules;
  if (model.attention.is_mla()) modules.push_back(&RecomputedParts::up_projections);
  if (model.moe && model.moe->first_dense_layers > 0) modules.push_back(&RecomputedParts::mlp);
  if (model.moe) modules.push_back(&RecomputedParts::activations);
  modules.push_back(&RecomputedParts::norms);
  if (!model.moe) modules.push_back(&RecomputedParts::mlp);
  return modules;
}

std::vector<RecomputeChoice> module_choices(const Model& model) {
  std::vector<RecomputeChoice> choices(1);
  for (const auto module : modules_of(model)) {
    choices.push_back(choices.back());
    choices.back().parts.*module = true;
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
  const RecomputeChoice own = {job.recompute, job.software->recompute};
  if (std::ranges::find(choices, own) == choices.end()) choices.push_back(own);
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
