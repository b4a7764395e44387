#include "backend/cuda/model/gpu_chunk.h"

#include <algorithm>
#include <span>

#include "backend/cuda/kernels/columns.h"

namespace pipeloom {

namespace {

bool has_exchange(const Stage<float>& stage, int layer) {
  return std::ranges::any_of(stage.parts(), [&](const auto& placed) {
    return placed.layer == layer && placed.component == Component::kDispatch;
  });
}

// The largest that any layer's experts work on.
int64_t padded_size(const Model& model, const PartShape& shape, int64_t tokens) {
  if (!model.moe) return 0;
  return model.moe->routed_experts / shape.ep_ranks * (shape.ep_ranks * tokens) * model.hidden;
}

GpuUpload zeros(float* to, int64_t count) {
  return {to, std::vector<std::byte>(static_cast<size_t>(count) * sizeof(float))};
}

}  // namespace

GpuChunk::GpuChunk(int pipe, int stage_number, const Stage<float>& stage, const Model& model, const PartShape& shape,
                   int slots, const Space& space)
    : pipe_(pipe),
      stage_number_(stage_number),
      stage_(&stage),
      numbers_{space.state.take<float>(stage.size()), space.state.take<Bf16>(stage.size()),
               space.state.take<float>(stage.size())},
      first_(space.state.take<float>(stage.size())),
      second_(space.state.take<float>(stage.size())) {
  const GpuSetup& setup = space.setup;
  const int64_t scratch = setup.scratch.mark();
  for (int number = 0; number < slots; ++number) {
    Slot& slot = slots_.emplace_back();
    slot.flow.hidden = setup.kept.take<float>(setup.tokens * model.hidden);
    slot.flow.gradient = setup.kept.take<float>(setup.tokens * model.hidden);
    slot.flow.expert_rows = setup.kept.take<float>(padded_size(model, shape, setup.tokens));
    slot.flow.weights_gradient = setup.kept.take<float>(model.moe ? setup.tokens * model.moe->experts_per_token : 0);
    std::shared_ptr<GpuMoeLayer> moe;
    for (const auto& placed : stage.parts()) {
      setup.scratch.rewind(scratch);  // one part at a time
      slot.parts.push_back(make_gpu_part(setup, placed.component, model, shape, !has_exchange(stage, placed.layer),
                                         {*placed.part,
                                          numbers_.at(placed.own),
                                          numbers_.at(placed.routed),
                                          {numbers_.at(placed.tables[0]), numbers_.at(placed.tables[1])}},
                                         moe));
    }
  }
  setup.scratch.rewind(scratch);
}

std::vector<GpuUpload> GpuChunk::initial(uint64_t seed) const {
  std::vector<float> weights(stage_->size());
  for (const StageParameter& parameter : stage_->parameters()) {
    fill_initial(parameter, seed, weights.data() + parameter.offset);
  }
  const auto bytes = std::as_bytes(std::span(weights));
  std::vector<GpuUpload> uploads;
  uploads.push_back({numbers_.weights, {bytes.begin(), bytes.end()}});
  uploads.push_back(zeros(first_, stage_->size()));
  uploads.push_back(zeros(second_, stage_->size()));
  return uploads;
}

void GpuChunk::round_weights(const SmStream& stream) const {
  round_to_bf16(stream, numbers_.weights, stage_->size(), numbers_.factors);
}

void GpuChunk::optimize(const SmStream& stream, const AdamOptions& options, const AdamStep* step) const {
  adam(stream, options, step, numbers_.gradients, stage_->size(),
       {numbers_.weights, first_, second_, numbers_.factors});
}

}  // namespace pipeloom
