// The states that checkpoints hold: which of the trainer's numbers on the GPU are which of the CPU's.
#include <algorithm>
#include <span>

#include "backend/cuda/model/gpu_trainer.h"

namespace pipeloom {

std::vector<std::unique_ptr<ChunkRun>> GpuTrainer::host_chunks(RunRank rank) const {
  const PartShape shape = part_shape(plan_.job, ep_group(plan_.job.layout, rank).place);
  std::vector<std::unique_ptr<ChunkRun>> chunks;
  for (const Chunk& chunk : plan_.schedule.placement().chunks_of(rank.pipeline_rank)) {
    const bool borrows = one_table_ && chunk.stage == last_stage();
    auto maths = std::make_unique<Stage<float>>(*plan_.job.model, plan_.costs.programs[chunk.stage], shape,
                                                arithmetic_for(shape.formats, false),
                                                borrows ? Stage<float>::Tokens::kBorrowed : Stage<float>::Tokens::kOwn);
    std::vector<NumberRange> parts;
    for (const SharedNumbers& numbers : shared_numbers(*maths, chunk.stage, plan_.job.layout,
                                                       plan_.schedule.placement(), rank, copies_token_table(plan_))) {
      const auto [begin, count] = numbers.part(numbers.group.place);
      parts.push_back({begin, count});
    }
    chunks.push_back(std::make_unique<ChunkRun>(chunk.pipe, chunk.stage, std::move(maths), Sums::kFloat,
                                                contributions_per_step(plan_.job), options_.seed));
    chunks.back()->state().own_moments(parts, shape.formats.moments);
    if (plan_.job.ema_decay > 0) chunks.back()->state().own_averages();
  }
  std::ranges::sort(chunks, {}, [](const auto& chunk) { return chunk->stage(); });
  return chunks;
}

std::vector<GpuTrainer::Transfer> GpuTrainer::weights(const HostChunks& host) const {
  std::vector<Transfer> transfers;
  for (size_t i = 0; i < chunks_.size(); ++i) {
    const std::span<float> weights = host[i]->state().weights();
    transfers.push_back({chunks_[i]->numbers().weights, weights.data(), static_cast<int64_t>(weights.size_bytes())});
  }
  return transfers;
}

// Both moments of a part lie one after the other there, and apart here.
std::vector<GpuTrainer::Transfer> GpuTrainer::moments(RunRank member, const HostChunks& host) const {
  const int number = member.number(plan_.job.layout.pipeline);
  std::vector<Transfer> transfers;
  for (const auto& chunk : chunks_) {
    for (const SharedNumbers& own : shared(*chunk)) {
      const auto place = std::ranges::find(own.group.members, number);
      if (place == own.group.members.end()) continue;
      const auto [begin, count] = own.part(static_cast<int>(place - own.group.members.begin()));
      const std::span<std::byte> bytes = moments_of(member, own.about, host).bytes();
      const auto half = static_cast<int64_t>(bytes.size()) / 2;
      PIPELOOM_CHECK(half == chunk->moments_bytes(count));
      transfers.push_back({chunk->first_moments(begin), bytes.data(), half});
      transfers.push_back({chunk->second_moments(begin), bytes.data() + half, half});
    }
  }
  return transfers;
}

Moments& GpuTrainer::moments_of(RunRank member, int about, const HostChunks& host) const {
  for (const auto& chunk : host) {
    const auto numbers = shared_numbers(chunk->maths(), chunk->stage(), plan_.job.layout, plan_.schedule.placement(),
                                        member, copies_token_table(plan_));
    const auto found = std::ranges::find(numbers, about, &SharedNumbers::about);
    if (found != numbers.end()) return chunk->state().moments()[found - numbers.begin()];
  }
  check_failed("numbers that a member shares", __FILE__, __LINE__);
}

}  // namespace pipeloom
