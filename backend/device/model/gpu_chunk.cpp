#include "backend/device/model/gpu_chunk.h"

#include <algorithm>
#include <span>

#include "backend/device/kernels/clip_kernels.h"
#include "backend/device/kernels/columns_kernels.h"
#include "backend/device/model/gpu_recomputed.h"

namespace pipeloom::backend {

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

}  // namespace

GpuChunk::GpuChunk(const Role& role, const Stage<float>& stage, const std::set<GpuSlots::Place>& places,
                   const Space& space)
    : role_(role),
      stage_(&stage),
      numbers_{space.memory.take<float>(stage.size()), space.memory.take<Bf16>(stage.size()),
               space.memory.take<float>(stage.size())} {
  for (const NumberRange& range : role.optimized) {
    optimized_.push_back(make_optimized(range, space.shape.formats.moments, space.memory));
  }
  for (const StageParameter& parameter : stage.parameters()) {
    if (parameter.parameter.kind != ParameterKind::kLoadBias) continue;
    biases_.push_back({parameter.offset, parameter.parameter.size()});
  }
  if (role.sums_tokens && stage.table(Table::kTokens)) {
    PIPELOOM_THROW_UNLESS(*stage.table(Table::kTokens) == 0);
    summed_tokens_ = stage.parameters().front().parameter.size();
    token_sum_ = space.memory.take<float>(summed_tokens_);
  }
  experts_ = space.model.moe ? space.model.moe->routed_experts : 0;
  for (const auto& placed : stage.parts()) {
    if (placed.component == Component::kRouter) expert_loads_[placed.layer] = space.memory.take<int64_t>(experts_);
  }
  Arena kept_size;
  Arena late_size;
  make_slot(space.setup.in(kept_size, late_size, kept_size), space);
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
    slots_.emplace(place, make_slot(space.setup.in(own_kept, own_late, own_kept), space));
  }
}

GpuChunk::Optimized GpuChunk::make_optimized(const NumberRange& range, Format moments, Arena& memory) const {
  const int64_t bytes = range.count * moment_bytes(moments) / 2;
  const auto state = [&](float* weights) {
    return AdamState{weights, memory.take<std::byte>(bytes), memory.take<std::byte>(bytes)};
  };
  const GpuNumbers own = numbers_.at(range.begin);
  Optimized optimized{range, {state(own.weights), own.factors, moments, {}}};
  if (role_.may_optimize_again) optimized.numbers.before = state(memory.take<float>(range.count));
  return optimized;
}

GpuChunk::Moments GpuChunk::moments(size_t part) const {
  const Optimized& own = optimized_.at(part);
  return {own.numbers.state.first, own.numbers.state.second, own.range.count * moment_bytes(own.numbers.moments) / 2};
}

GpuPartNumbers GpuChunk::numbers_of(const Stage<float>::Placed& placed) const {
  GpuPartNumbers numbers{*placed.part, numbers_.at(placed.own), numbers_.at(placed.routed), {}};
  if (placed.component == Component::kRouter) numbers.loads = expert_loads_.at(placed.layer);
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
  std::shared_ptr<GpuMoeLayer> moe_again;
  std::shared_ptr<GpuRecomputedLayer> layer;
  for (const auto& placed : stage_->parts()) {
    const auto make = [&](const GpuSetup& for_part, std::shared_ptr<GpuMoeLayer>& of_layer) {
      setup.scratch.rewind(scratch);  // one part at a time
      return make_gpu_part(for_part, placed.component, placed.layer, model, shape, !has_exchange(*stage_, placed.layer),
                           numbers_of(placed), of_layer);
    };
    if (shape.recompute != Recompute::kFull || !is_recomputed(placed.component)) {
      slot.parts.push_back(make(setup, moe));
      continue;
    }
    // The first to run F has no I: what it would keep is free again with its scratch.
    if (placed.component == Component::kAttention) layer = std::make_shared<GpuRecomputedLayer>(setup, size);
    Arena nowhere;
    auto first = make(setup.in(setup.scratch, nowhere, setup.kept), moe);
    auto again = make(setup.in(setup.late, setup.late, setup.late), moe_again);
    slot.parts.push_back(std::make_unique<GpuRecomputedPart>(std::move(first), std::move(again), layer));
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
  for (size_t part = 0; part < optimized_.size(); ++part) {
    const Moments zero = moments(part);
    uploads.push_back({zero.first, std::vector<std::byte>(static_cast<size_t>(zero.bytes))});
    uploads.push_back({zero.second, std::vector<std::byte>(static_cast<size_t>(zero.bytes))});
  }
  for (const auto& [layer, loads] : expert_loads_) {
    uploads.push_back({loads, std::vector<std::byte>(static_cast<size_t>(experts_) * sizeof(int64_t))});
  }
  return uploads;
}

void GpuChunk::round_weights(const SmStream& stream) const {
  round_to_bf16(stream, numbers_.weights, stage_->size(), numbers_.factors);
}

template <typename Function>
void GpuChunk::for_each_gradient(const NumberRange& range, const Function& function) const {
  const auto visit = [&](const float* sums, int64_t begin, int64_t end) {
    begin = std::max(begin, range.begin);
    end = std::min(end, range.end());
    if (begin < end) function(begin, end - begin, sums + begin);
  };
  visit(token_sum_, 0, summed_tokens_);
  int64_t begin = summed_tokens_;
  for (const NumberRange& biases : biases_) {
    visit(numbers_.gradients, begin, biases.begin);
    begin = biases.end();
  }
  visit(numbers_.gradients, begin, stage_->size());
}

void GpuChunk::add_squares(const SmStream& stream, double* partials) const {
  for (const Optimized& own : optimized_) {
    for_each_gradient(own.range, [&](int64_t /*begin*/, int64_t count, const float* sums) {
      pipeloom::backend::add_squares(stream, sums, count, partials);
    });
  }
}

// Adam for all but the biases of experts, which follow their loads.
void GpuChunk::optimize(const SmStream& stream, const AdamOptions& options, const LoadBalance& balance,
                        const AdamStep* step) const {
  for (const Optimized& own : optimized_) {
    for_each_gradient(own.range, [&](int64_t begin, int64_t count, const float* sums) {
      adam(stream, options, step, sums, count, own.numbers.at(begin - own.range.begin));
    });
    for (const NumberRange& biases : biases_) {
      const int64_t begin = std::max(biases.begin, own.range.begin);
      const int64_t end = std::min(biases.end(), own.range.end());
      if (begin >= end) continue;
      move_biases(stream, balance.step, balance.even_load, numbers_.gradients + begin, end - begin,
                  numbers_.weights + begin);
    }
  }
}

void GpuChunk::optimize_again(const SmStream& stream, const AdamOptions& options, const AdamStep* step) const {
  for (const Optimized& own : optimized_) {
    for_each_gradient(own.range, [&](int64_t begin, int64_t count, const float* sums) {
      adam_again(stream, options, step, sums, count, own.numbers.at(begin - own.range.begin));
    });
  }
}

}  // namespace pipeloom::backend
