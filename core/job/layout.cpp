#include "core/job/layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "core/base/field_check.h"
#include "core/schedule/placement.h"

namespace pipeloom {

namespace {

Status check_sizes(const Layout& layout) {
  constexpr int64_t kMaxReplicas = 1'000'000;
  PIPELOOM_RETURN_IF_ERROR(check_field("layout.pipeline", int64_t{layout.pipeline}, 1, Placement::kMaxRanks));
  PIPELOOM_RETURN_IF_ERROR(check_field("layout.data", int64_t{layout.data}, 1, kMaxReplicas));
  PIPELOOM_RETURN_IF_ERROR(check_field("layout.context", int64_t{layout.context}, 1, 1'024));
  PIPELOOM_RETURN_IF_ERROR(check_field("layout.tensor", int64_t{layout.tensor}, 1, 1'024));
  const int64_t replicas = int64_t{layout.data} * layout.context * layout.tensor;
  if (replicas > kMaxReplicas) {
    return invalid(
        fmt::format("layout.data * layout.context * layout.tensor is {}; allowed are 1 to {}", replicas, kMaxReplicas));
  }
  PIPELOOM_RETURN_IF_ERROR(check_field("layout.expert", int64_t{layout.expert}, 1, replicas));
  if (replicas % layout.expert != 0) {
    return invalid(fmt::format("layout.expert is {}; it must divide layout.data * layout.context * layout.tensor ({})",
                               layout.expert, replicas));
  }
  return {};
}

Status check_order(const Layout& layout) {
  std::array<Dimension, 4> sorted = layout.gpu_order;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end()) return {};
  std::vector<std::string> names;
  for (const Dimension dimension : layout.gpu_order) names.emplace_back(dimension_name(dimension));
  return invalid(fmt::format("layout.gpu_order is {}; it must name tensor, context, data and pipeline once each",
                             fmt::join(names, ", ")));
}

Status check_divides(const char* path, int64_t parts, const char* what, int64_t whole) {
  if (whole % parts == 0) return {};
  return invalid(fmt::format("{} is {}; it must divide {} ({})", path, parts, what, whole));
}

Status check_experts(const Layout& layout, const Model& model) {
  if (!model.moe) {
    if (layout.expert == 1) return {};
    return invalid(fmt::format("layout.expert is {}; allowed is 1: the model has no experts", layout.expert));
  }
  return check_divides("layout.expert", layout.expert, "model.moe.routed_experts", model.moe->routed_experts);
}

}  // namespace

const char* dimension_name(Dimension dimension) {
  constexpr const char* kNames[] = {"tensor", "context", "data", "pipeline"};
  return kNames[static_cast<size_t>(dimension)];
}

int Layout::size(Dimension dimension) const {
  const int sizes[] = {tensor, context, data, pipeline};
  return sizes[static_cast<size_t>(dimension)];
}

Status check_layers_per_stage(std::span<const int> layers_per_stage, int layers, int stages) {
  if (stages > 0 && static_cast<int>(layers_per_stage.size()) != stages) {
    return invalid(fmt::format("layout.layers_per_stage has {} entries; the placement has {} stages",
                               layers_per_stage.size(), stages));
  }
  for (size_t stage = 0; stage < layers_per_stage.size(); ++stage) {
    PIPELOOM_RETURN_IF_ERROR(
        check_field(fmt::format("layout.layers_per_stage[{}]", stage), int64_t{layers_per_stage[stage]}, 0, layers));
  }
  const int64_t sum = std::accumulate(layers_per_stage.begin(), layers_per_stage.end(), int64_t{0});
  if (sum == layers) return {};
  return invalid(fmt::format("layout.layers_per_stage sums to {}; model.layers is {}", sum, layers));
}

Status check_layout(const Layout& layout, const Model* model, const Cluster* cluster) {
  PIPELOOM_RETURN_IF_ERROR(check_sizes(layout));
  PIPELOOM_RETURN_IF_ERROR(check_order(layout));
  const int64_t gpus = int64_t{layout.pipeline} * layout.replicas();
  if (cluster != nullptr && gpus != cluster->gpus()) {
    return invalid(
        fmt::format("layout.pipeline * layout.data * layout.context * layout.tensor is {} * {} * {} * {} = {}; the "
                    "cluster has {} GPUs",
                    layout.pipeline, layout.data, layout.context, layout.tensor, gpus, cluster->gpus()));
  }
  if (model == nullptr) {
    if (layout.layers_per_stage.empty()) return {};
    return invalid("layout.layers_per_stage is given; allowed only with a model");
  }
  PIPELOOM_RETURN_IF_ERROR(check_experts(layout, *model));
  PIPELOOM_RETURN_IF_ERROR(
      check_divides("layout.tensor", layout.tensor, "model.attention.heads", model->attention.heads));
  if (layout.layers_per_stage.empty()) return {};
  return check_layers_per_stage(layout.layers_per_stage, model->layers, 0);
}

}  // namespace pipeloom
