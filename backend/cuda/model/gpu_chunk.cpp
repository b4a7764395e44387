#include "backend/cuda/model/gpu_chunk.h"

#include <algorithm>
#include <span>

#include "backend/cuda/kernels/clip.h"
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

GpuSetup with(const GpuSetup& setup, Arena& kept, Arena& late) {
  return {kept,      late,          setup.scratch, setup.constants, setup.attention,
          setup.mlp, setup.precise, setup.keeping, setup.tokens,    setup.sequence};
}

}  // namespace

GpuChunk::GpuChunk(const Role& role, const Stage<float>& stage, const std::set<GpuSlots::Place>& places,
                   const Space& space)
    : role_(role),
      stage_(&stage),
      numbers_{space.memory.take<float>(stage.size()), space.memory.take<Bf16>(stage.size()),
               space.memory.take<float>(stage.size())},
      moments_(space.shape.formats.moments),
      first_(space.memory.take<std::byte>(moments_bytes(stage.size()))),
      second_(space.memory.take<std::byte>(moments_bytes(stage.size()))) {
  for (const StageParameter& parameter : stage.parameters()) {
    if (parameter.parameter.kind != ParameterKind::kLoadBias) continue;
    biases_.push_back({parameter.offset, parameter.parameter.size()});
  }
  if (role.sums_tokens && stage.table(Table::kTokens)) {
    PIPELOOM_CHECK(*stage.table(Table::kTokens) == 0);
    summed_tokens_ = stage.parameters().front().parameter.size();
    token_sum_ = space.memory.take<float>(summed_tokens_);
  }
  Arena kept_size;
  Arena late_size;
  make_slot(with(space.setup, kept_size, late_size), space);
  int slots = 0;
  int lates = 0;
  for (const GpuSlots::Place& place : places) {
    slots = std::max(slots, place.slot + 1);
    lates = std::max(lates, place.late + 1);
  }
  auto* kept = space.memory.take<std::byte>(slots * kept_size.peak_bytes());
  auto* late = space.memory.take<std::byte>(lates * late_size.peak_bytes());
  for (const GpuSlots::Place& place : places) {
    Arena own_kept(kept == nullptr ? nullptr : kept + place.slot * kept_size.peak_bytes());
    Arena own_late(late == nullptr ? nullptr : late + place.late * late_size.peak_bytes());
    slots_.emplace(place, make_slot(with(space.setup, own_kept, own_late), space));
  }
}

int64_t GpuChunk::moments_bytes(int64_t count) const {
  return count * (moment_bytes(moments_) / 2);
}

GpuPartNumbers GpuChunk::numbers_of(const Stage<float>::Placed& placed) const {
  GpuPartNumbers numbers{*placed.part, numbers_.at(placed.own), numbers_.at(placed.routed), {}};
  for (const Table table : kTables) {
    const GpuChunk& owner = table == Table::kTokens && role_.lender != nullptr ? *role_.lender : *this;
    if (placed.part->table(table)) {
      numbers.tables[number_of(table)] = owner.numbers_.at(owner.stage_->table(table).value());
    }
  }
  return numbers;
}

GpuChunk::Slot GpuChunk::make_slot(const GpuSetup& setup, const Space& space) const {
  const Model& model = space.model;
  const PartShape& shape = space.shape;
  const int64_t scratch = setup.scratch.mark();
  const int64_t size = setup.tokens * model.hidden;
  Slot slot;
  slot.flow.hidden = setup.kept.take<Bf16>(size);
  slot.flow.gradient = setup.kept.take<Bf16>(size);
  if (model.moe) {
    slot.flow.normed = setup.kept.take<Bf16>(size);
    slot.flow.normed_gradient = setup.kept.take<float>(size);
    slot.flow.expert_rows = setup.kept.take<float>(padded_size(model, shape, setup.tokens));
    slot.flow.weights_gradient = setup.kept.take<float>(setup.tokens * model.moe->experts_per_token);
  }
  std::shared_ptr<GpuMoeLayer> moe;
  for (const auto& placed : stage_->parts()) {
    setup.scratch.rewind(scratch);  // one part at a time
    slot.parts.push_back(make_gpu_part(setup, placed.component, placed.layer, model, shape,
                                       !has_exchange(*stage_, placed.layer), numbers_of(placed), moe));
  }
  setup.scratch.rewind(scratch);
  return slot;
}

std::vector<float> GpuChunk::initial_weights(uint64_t seed) const {
  std::vector<float> weights(stage_->size());
  for (const StageParameter& parameter : stage_->parameters()) {
    fill_initial(parameter, seed, weights.data() + parameter.offset);
  }
  return weights;
}

std::vector<GpuUpload> GpuChunk::initial(uint64_t seed) const {
  const std::vector<float> weights = initial_weights(seed);
  const auto bytes = std::as_bytes(std::span(weights));
  std::vector<GpuUpload> uploads;
  uploads.push_back({numbers_.weights, {bytes.begin(), bytes.end()}});
  uploads.push_back({first_, std::vector<std::byte>(static_cast<size_t>(moments_bytes(stage_->size())))});
  uploads.push_back({second_, std::vector<std::byte>(static_cast<size_t>(moments_bytes(stage_->size())))});
  return uploads;
}

void GpuChunk::round_weights(const SmStream& stream) const {
  round_to_bf16(stream, numbers_.weights, stage_->size(), numbers_.factors);
}

void GpuChunk::add_squares(const SmStream& stream, const NumberRange& range, double* partials) const {
  const auto add = [&](const float* numbers, int64_t begin, int64_t end) {
    begin = std::max(begin, range.begin);
    end = std::min(end, range.end());
    if (begin < end) pipeloom::add_squares(stream, numbers + begin, end - begin, partials);
  };
  add(token_sum_, 0, summed_tokens_);
  int64_t begin = summed_tokens_;
  for (const NumberRange& biases : biases_) {
    add(numbers_.gradients, begin, biases.begin);
    begin = biases.end();
  }
  add(numbers_.gradients, begin, stage_->size());
}

// Adam for all but the biases of experts, which follow their loads.
void GpuChunk::optimize(const SmStream& stream, const AdamOptions& options, const LoadBalance& balance,
                        const AdamStep* step) const {
  const AdamNumbers numbers{numbers_.weights, first_, second_, numbers_.factors, moments_};
  int64_t begin = summed_tokens_;
  adam(stream, options, step, token_sum_, summed_tokens_, numbers);
  const auto optimize_until = [&](int64_t end) {
    adam(stream, options, step, numbers_.gradients + begin, end - begin, numbers.at(begin));
  };
  for (const NumberRange& biases : biases_) {
    optimize_until(biases.begin);
    move_biases(stream, balance.step, balance.even_load, numbers_.gradients + biases.begin, biases.count,
                numbers_.weights + biases.begin);
    begin = biases.end();
  }
  optimize_until(stage_->size());
}

}  // namespace pipeloom
