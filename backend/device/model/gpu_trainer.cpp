#include "backend/device/model/gpu_trainer.h"

#include <algorithm>
#include <span>

#include "backend/device/kernels/columns_kernels.h"

namespace pipeloom::backend {

namespace {

bool is_forward(const RankTask& task) {
  return task.task.key.pass == SlotKind::kF;
}

bool enters_at(const GpuChunk& chunk, int part, SlotKind pass) {
  return part == (pass == SlotKind::kF ? 0 : chunk.last_part());
}

bool leaves_at(const GpuChunk& chunk, int part, SlotKind pass) {
  return part == (pass == SlotKind::kF ? chunk.last_part() : 0);
}

template <typename Number>
GpuUpload upload(void* to, std::span<const Number> numbers) {
  const auto bytes = std::as_bytes(numbers);
  return {to, {bytes.begin(), bytes.end()}};
}

int part_of(const GpuChunk& chunk, const RankTask& task) {
  return chunk.stage().find(task.task.key.layer, task.task.key.component);
}

GpuExchange& exchange(GpuPart& part) {
  auto* found = dynamic_cast<GpuExchange*>(&part);
  PIPELOOM_THROW_UNLESS(found != nullptr);
  return *found;
}

}  // namespace

GpuTrainer::GpuTrainer(const Plan& plan, const RankProgram& program, RunRank rank, const TextTokens& text,
                       const TrainingOptions& options, ProductRunner& runner)
    : plan_(plan),
      program_(program),
      rank_(rank),
      text_(text),
      options_(options),
      runner_(runner),
      shape_(part_shape(plan.job, ep_group(plan.job.layout, rank).place)),
      slots_(program),
      tokens_(plan.job.batch.tokens()) {
  if (plan.job.model->moe) packages_ = GpuPackages(*plan.job.model, shape_, tokens_);
  for (const Chunk& chunk : plan.schedule.placement().chunks_of(program.rank())) {
    const bool borrows = borrows_token_table(plan, chunk.stage);
    stages_[{chunk.stage, chunk.pipe}] = std::make_unique<Stage<float>>(
        *plan.job.model, plan.costs.programs[chunk.stage], shape_, arithmetic_for(shape_.formats, false),
        borrows ? Stage<float>::Tokens::kBorrowed : Stage<float>::Tokens::kOwn);
  }
  Arena measure;
  build(measure);
  // With what the first pass has reserved for FP8.
  Arena whole;
  build(whole);
  memory_bytes_ = whole.peak_bytes();
}

GpuTrainer::~GpuTrainer() = default;

void GpuTrainer::use(std::byte* memory) {
  Arena arena(memory);
  build(arena);
}

void GpuTrainer::build(Arena& arena) {
  const int micro_batches = plan_.job.micro_batches;
  inputs_ = arena.take<int32_t>(micro_batches * tokens_);
  targets_ = arena.take<int32_t>(micro_batches * depths() * tokens_);
  losses_ = arena.take<double>(int64_t{micro_batches} * depths());
  adam_step_ = arena.take<AdamStep>(1);
  squares_ = arena.take<double>(kSquareBlocks);
  total_squares_ = arena.take<double>(1);
  if (plan_.job.model->moe) {
    send_ = arena.take<unsigned char>(packages_.set_bytes());
    receive_ = shape_.ep_ranks == 1 ? send_ : arena.take<unsigned char>(packages_.set_bytes());
  }
  fp8_.place(arena);
  bf16_products_ = std::make_unique<GpuProducts>(runner_, nullptr);
  fp8_products_ = std::make_unique<GpuProducts>(runner_, &fp8_);
  const auto products = [&](Format format) -> const GpuProducts& {
    return format == Format::kFp8 ? *fp8_products_ : *bf16_products_;
  };
  constants_ = std::make_unique<GpuConstants>(arena);
  Arena nowhere;
  // Scratch for the largest part of any chunk comes before them in memory, so it is measured first.
  Arena scratch_size;
  GpuConstants no_constants(nowhere);
  const auto setup = [&](Arena& scratch, GpuConstants& constants) {
    return GpuSetup{nowhere,
                    nowhere,
                    nowhere,
                    scratch,
                    constants,
                    products(shape_.formats.attention),
                    products(shape_.formats.mlp),
                    *bf16_products_,
                    shape_.keeping(),
                    tokens_,
                    shape_.sequence};
  };
  make_chunks(nowhere, setup(scratch_size, no_constants));
  auto* scratch_memory = arena.take<std::byte>(scratch_size.peak_bytes());
  Arena scratch(scratch_memory);
  chunks_ = make_chunks(arena, setup(scratch, *constants_));
  for (const auto& chunk : chunks_) {
    for (int micro_batch = 0; micro_batch < micro_batches && chunk->stage_number() > 0; ++micro_batch) {
      if (plan_.schedule.pipe_of(micro_batch) != chunk->pipe()) continue;
      leaving_[{chunk->pipe(), chunk->stage_number(), micro_batch}] = arena.take<Bf16>(rows_size());
    }
  }
  place_receives(arena);
}

std::vector<std::unique_ptr<GpuChunk>> GpuTrainer::make_chunks(Arena& memory, const GpuSetup& setup) const {
  std::vector<std::unique_ptr<GpuChunk>> chunks;
  for (const auto& [key, stage] : stages_) {
    const auto [number, pipe] = key;
    const bool is_end = number == 0 || number == last_stage();
    const GpuChunk* lender = borrows_token_table(plan_, number) ? chunks.front().get() : nullptr;
    const GpuChunk::Role role{pipe,
                              number,
                              lender,
                              is_end && copies_token_table(plan_),
                              optimized(*stage, number),
                              plan_.job.clipping == Clipping::kValidated};
    chunks.push_back(std::make_unique<GpuChunk>(role, *stage, slots_.of_chunk(pipe, number),
                                                GpuChunk::Space{memory, setup, *plan_.job.model, shape_}));
  }
  return chunks;
}

// As many buffers for a queue of receives as may be posted at a time, in turn; with blocking P2P, which has no credits,
// one for each.
void GpuTrainer::place_receives(Arena& arena) {
  for (int queue = 0; queue < program_.queues(); ++queue) {
    std::vector<Bf16*> buffers;
    size_t next = 0;
    for (const uint32_t number : program_.queue(queue)) {
      const RankTask& task = program_.tasks()[number];
      if (task.task.key.kind != TaskKind::kReceive) continue;
      const bool blocking = plan_.job.p2p.mode == P2pMode::kBlocking;
      const auto depth = static_cast<size_t>(blocking ? 0 : plan_.job.p2p.receive_depth);
      if (depth == 0 || buffers.size() < depth) buffers.push_back(arena.take<Bf16>(rows_size()));
      arriving_[hand_over(task, true)] = buffers[next++ % (depth == 0 ? buffers.size() : depth)];
    }
  }
}

std::vector<GpuUpload> GpuTrainer::initial() const {
  std::vector<GpuUpload> uploads = constants_->uploads();
  for (const auto& chunk : chunks_) {
    for (GpuUpload& upload : chunk->initial(options_.seed)) uploads.push_back(std::move(upload));
  }
  return uploads;
}

void GpuTrainer::prepare(const SmStream& stream) const {
  for (const auto& chunk : chunks_) chunk->round_weights(stream);
}

std::vector<GpuUpload> GpuTrainer::step_uploads(int64_t step) const {
  std::vector<int32_t> inputs;
  std::vector<int32_t> targets;
  for (int micro_batch = 0; micro_batch < plan_.job.micro_batches; ++micro_batch) {
    const Tokens tokens = text_.micro_batch(step, rank_.replica, micro_batch, plan_.job.micro_batches);
    inputs.insert(inputs.end(), tokens.inputs.begin(), tokens.inputs.end());
    for (int depth = 0; depth < depths(); ++depth) {
      targets.insert(targets.end(), tokens.targets[depth].begin(), tokens.targets[depth].end());
    }
  }
  const AdamStep numbers = adam_step_numbers(options_.adam, step + 1, 1);
  std::vector<GpuUpload> uploads;
  uploads.push_back(upload<int32_t>(inputs_, inputs));
  uploads.push_back(upload<int32_t>(targets_, targets));
  uploads.push_back(upload<AdamStep>(adam_step_, std::span(&numbers, 1)));
  return uploads;
}

void GpuTrainer::begin_step(const SmStream& stream) const {
  for (const auto& chunk : chunks_) chunk->clear_gradients(stream);
  set_zero(stream, kSquareBlocks, squares_);
}

GpuChunk& GpuTrainer::chunk_of(int pipe, int stage) const {
  const auto found = std::ranges::find_if(
      chunks_, [&](const auto& chunk) { return chunk->pipe() == pipe && chunk->stage_number() == stage; });
  PIPELOOM_THROW_UNLESS(found != chunks_.end());
  return **found;
}

GpuChunk::Slot& GpuTrainer::slot_of(const RankTask& task) const {
  return chunk_of(task.pipe, task.stage).slot(slots_.of(task.pipe, task.stage, task.micro_batch));
}

// --- computation ---

void GpuTrainer::launch(const RankTask& task, const SmStream& stream) {
  if (task.task.key.kind == TaskKind::kOptimizer) {
    for (const auto& chunk : chunks_) chunk->optimize(stream, options_.adam, load_balance(plan_.job), adam_step_);
    return;
  }
  PIPELOOM_THROW_UNLESS(task.task.key.kind == TaskKind::kComponent);
  const GpuChunk& chunk = chunk_of(task.pipe, task.stage);
  GpuChunk::Slot& slot = slot_of(task);
  const int number = part_of(chunk, task);
  GpuPart& part = *slot.parts[number];
  const SlotKind pass = task.task.key.pass;
  if (pass == SlotKind::kW) return part.weight_backward(stream);
  enter(task, number, stream);
  if (pass == SlotKind::kF) {
    part.forward(stream, slot.flow);
  } else {
    part.input_backward(stream, slot.flow);
    // Where the program has no W for the component, I does it.
    if (!chunk.stage().parts()[number].weight_pass) part.weight_backward(stream);
  }
  leave(task, number, stream);
}

GpuTrainer::HandOver GpuTrainer::hand_over(const RankTask& task, bool arriving) const {
  const Direction direction = direction_of(task.task.key.pass);
  const int next = direction == Direction::kForward ? task.stage + 1 : task.stage - 1;
  return {direction, arriving ? task.stage : next, task.micro_batch};
}

Bf16* GpuTrainer::own_hand_over(const RankTask& task) const {
  const int before = is_forward(task) ? task.stage - 1 : task.stage + 1;
  if (!stages_.contains({before, task.pipe})) return nullptr;
  if (!is_forward(task)) return leaving_.at({task.pipe, before, task.micro_batch});
  return chunk_of(task.pipe, before).slot(slots_.of(task.pipe, before, task.micro_batch)).flow.hidden;
}

void GpuTrainer::enter(const RankTask& task, int part, const SmStream& stream) {
  if (!enters_at(chunk_of(task.pipe, task.stage), part, task.task.key.pass)) return;
  GpuFlow& flow = slot_of(task).flow;
  if (is_forward(task)) {
    flow.tokens = inputs_ + task.micro_batch * tokens_;
    flow.targets = targets_ + task.micro_batch * depths() * tokens_;
    flow.losses = losses_ + task.micro_batch * depths();
  }
  if (task.stage == (is_forward(task) ? 0 : last_stage())) return;
  const auto arriving = arriving_.find(hand_over(task, true));
  const Bf16* from = arriving == arriving_.end() ? own_hand_over(task) : arriving->second;
  PIPELOOM_THROW_UNLESS(from != nullptr);
  copy_numbers(stream, from, rows_size(), is_forward(task) ? flow.hidden : flow.gradient);
}

// What goes forward stays in the slot, which is the micro-batch's until its gradient has come back; a gradient may
// still be on its way when the slot has its next micro-batch, and leaves from a place of its own.
void GpuTrainer::leave(const RankTask& task, int part, const SmStream& stream) {
  if (is_forward(task) || task.stage == 0) return;
  if (!leaves_at(chunk_of(task.pipe, task.stage), part, task.task.key.pass)) return;
  copy_numbers(stream, slot_of(task).flow.gradient, rows_size(),
               leaving_.at({task.pipe, task.stage, task.micro_batch}));
}

// --- dispatch and combine ---

void GpuTrainer::pack(const RankTask& task, const SmStream& stream) {
  const int number = part_of(chunk_of(task.pipe, task.stage), task);
  GpuChunk::Slot& slot = slot_of(task);
  enter(task, number, stream);
  GpuExchange& part = exchange(*slot.parts[number]);
  is_forward(task) ? part.pack_forward(stream, slot.flow, send_) : part.pack_backward(stream, slot.flow, send_);
}

void GpuTrainer::unpack(const RankTask& task, const SmStream& stream) {
  const int number = part_of(chunk_of(task.pipe, task.stage), task);
  GpuChunk::Slot& slot = slot_of(task);
  GpuExchange& part = exchange(*slot.parts[number]);
  is_forward(task) ? part.unpack_forward(stream, slot.flow, receive_)
                   : part.unpack_backward(stream, slot.flow, receive_);
  leave(task, number, stream);
}

std::vector<DeviceBytes> GpuTrainer::packages_at(const RankTask& task, unsigned char* begin) const {
  const PackageShape& shape = packages_.of(task.task.key.component, is_forward(task));
  std::vector<DeviceBytes> ranges;
  for (int member = 0; member < shape.members; ++member) {
    ranges.push_back({begin + member * shape.bytes(), shape.bytes()});
  }
  return ranges;
}

std::vector<DeviceBytes> GpuTrainer::send_packages(const RankTask& task) const {
  return packages_at(task, send_);
}

std::vector<DeviceBytes> GpuTrainer::receive_packages(const RankTask& task) const {
  return packages_at(task, receive_);
}

// --- between ranks ---

DeviceBytes GpuTrainer::outgoing(const RankTask& send) {
  const int64_t bytes = rows_size() * static_cast<int64_t>(sizeof(Bf16));
  if (is_forward(send)) return {slot_of(send).flow.hidden, bytes};
  return {leaving_.at({send.pipe, send.stage, send.micro_batch}), bytes};
}

DeviceBytes GpuTrainer::incoming(const RankTask& receive) {
  return {arriving_.at(hand_over(receive, true)), rows_size() * static_cast<int64_t>(sizeof(Bf16))};
}

DeviceBytes GpuTrainer::shared_gradients(const RankTask& reduction) {
  const GpuChunk& chunk = chunk_of(reduction.pipe, reduction.stage);
  const int64_t begin = chunk.summed_tokens();
  return {chunk.numbers().gradients + begin, (chunk.stage().own_size() - begin) * static_cast<int64_t>(sizeof(float))};
}

GpuTrainer::TokenGradients GpuTrainer::token_gradients(const RankTask& reduction) {
  const GpuChunk& chunk = chunk_of(reduction.pipe, reduction.stage);
  const int64_t bytes = chunk.summed_tokens() * static_cast<int64_t>(sizeof(float));
  return {{chunk.numbers().gradients, bytes}, {chunk.token_sum(), bytes}};
}

DeviceBytes GpuTrainer::routed_gradients(const RankTask& reduction) {
  const GpuChunk& chunk = chunk_of(reduction.pipe, reduction.stage);
  const int64_t count = chunk.stage().size() - chunk.stage().own_size();
  return {chunk.numbers().gradients + chunk.stage().own_size(), count * static_cast<int64_t>(sizeof(float))};
}

void GpuTrainer::add_squares(const RankTask& reduction, const SmStream& stream) const {
  chunk_of(reduction.pipe, reduction.stage).add_squares(stream, squares_);
}

void GpuTrainer::total(const std::vector<DeviceBytes>& squares, const SmStream& stream) const {
  SquareSums sums;
  PIPELOOM_THROW_UNLESS(squares.size() <= SquareSums::kMost);
  for (const DeviceBytes& one : squares) sums.partials[sums.count++] = static_cast<const double*>(one.data);
  pipeloom::backend::total_squares(stream, sums, total_squares_);
}

void GpuTrainer::clip(const SmStream& stream) const {
  pipeloom::backend::clip(stream, total_squares_, plan_.job.clip_norm, adam_step_);
  if (plan_.job.clipping != Clipping::kValidated) return;
  for (const auto& chunk : chunks_) chunk->optimize_again(stream, options_.adam, adam_step_);
}

std::vector<SharedNumbers> GpuTrainer::shared(const Stage<float>& stage, int number) const {
  return shared_numbers(stage, number, plan_.job.layout, plan_.schedule.placement(), rank_, copies_token_table(plan_));
}

std::vector<NumberRange> GpuTrainer::optimized(const Stage<float>& stage, int number) const {
  std::vector<NumberRange> ranges;
  for (const SharedNumbers& numbers : shared(stage, number)) {
    const auto [begin, count] = numbers.part(numbers.group.place);
    ranges.push_back({begin, count});
  }
  return ranges;
}

std::vector<SharedWeights> GpuTrainer::shared_weights() const {
  std::vector<SharedWeights> result;
  for (const auto& chunk : chunks_) {
    for (SharedNumbers& numbers : shared(chunk->stage(), chunk->stage_number())) {
      if (numbers.members() == 1 || numbers.size == 0) continue;
      const GpuNumbers own = chunk->numbers().at(numbers.begin);
      result.push_back({std::move(numbers), own.weights, own.factors});
    }
  }
  std::ranges::stable_sort(result, {}, [](const SharedWeights& weights) { return weights.numbers.about; });
  return result;
}

std::unique_ptr<GpuAverages> GpuTrainer::make_averages() const {
  std::vector<GpuAverages::Part> parts;
  for (const auto& chunk : chunks_) {
    for (const NumberRange& own : optimized(chunk->stage(), chunk->stage_number())) parts.push_back({chunk.get(), own});
  }
  return std::make_unique<GpuAverages>(std::move(parts), plan_.job.ema_decay, options_.seed);
}

std::vector<GpuTrainer::ExpertLoads> GpuTrainer::expert_loads() const {
  std::vector<ExpertLoads> all;
  for (const auto& chunk : chunks_) {
    for (const auto& [layer, tokens] : chunk->expert_loads()) {
      all.push_back({layer, tokens, plan_.job.model->moe->routed_experts});
    }
  }
  return all;
}

std::map<int, const double*> GpuTrainer::losses() const {
  std::map<int, const double*> losses;
  for (int micro_batch = 0; micro_batch < plan_.job.micro_batches; ++micro_batch) {
    if (stages_.contains({last_stage(), plan_.schedule.pipe_of(micro_batch)})) {
      losses[micro_batch] = losses_ + micro_batch * depths();
    }
  }
  return losses;
}

}  // namespace pipeloom::backend
