#include <map>
#include <utility>

#include "sim/cost/parameter_count.h"
#include "sim/cost/rounding.h"
#include "sim/cost/training_layer.h"

namespace pipeloom::sim {

namespace {

ComponentCost cost_of(const TrainingPart& part, int layer) {
  return {layer,
          part.component,
          part.lane,
          rounded_ns(part.seconds.forward),
          rounded_ns(part.seconds.input),
          rounded_ns(part.seconds.weight)};
}

// Layers of one kind cost the same: each kind is worked out once.
class Layers {
 public:
  Layers(const Job& job, const TrainingKernels& kernels) : job_(job), kernels_(kernels) {}

  const std::vector<TrainingPart>& parts(int kind) {
    const Model& model = *job_.model;
    const auto [place, is_new] = of_kind_.try_emplace({model.is_moe_layer(kind), model.is_windowed_layer(kind)});
    if (is_new) place->second = training_layer(job_, kernels_, kind);
    return place->second;
  }
  StageProgram program(int kind, int layer) {
    StageProgram program;
    for (const TrainingPart& part : parts(kind)) program.push_back(cost_of(part, layer));
    return program;
  }

 private:
  const Job& job_;
  const TrainingKernels& kernels_;
  std::map<std::pair<bool, bool>, std::vector<TrainingPart>> of_kind_;
};

// Share of the model's passes that tensor cores fill at the clock that products alone would have.
double tensor_share(const Job& job) {
  const TrainingKernels kernels(job, {job.cluster->compute_sms()}, job.software->rates.sustained_clock);
  Layers layers(job, kernels);
  PassSeconds sum = training_head(job, kernels).seconds;
  for (int layer = 0; layer < job.model->layers; ++layer) {
    for (const TrainingPart& part : layers.parts(layer)) sum += part.seconds;
  }
  return sum.tensor / sum.total();
}

}  // namespace

LayerCosts training_costs(const Job& job, const ComputeSetting& setting) {
  const Model& model = *job.model;
  const TrainingKernels kernels(job, setting, clock_under_limit(job.software->rates, tensor_share(job)));
  Layers layers(job, kernels);
  LayerCosts costs;
  costs.first = {cost_of(training_embedding(job, kernels), -1)};
  for (int layer = 0; layer < model.layers; ++layer) costs.layers.push_back(layers.program(layer, layer));
  costs.last = {cost_of(training_head(job, kernels), model.layers)};
  for (int module = 0; module < model.mtp_depth; ++module) {
    const int layer = model.layers + 1 + module;
    costs.last.push_back(cost_of(training_mtp_projection(job, kernels), layer));
    const StageProgram body = layers.program(mtp_layer(model), layer);
    costs.last.insert(costs.last.end(), body.begin(), body.end());
    costs.last.push_back(cost_of(training_head(job, kernels), layer));
  }
  return costs;
}

}  // namespace pipeloom::sim
