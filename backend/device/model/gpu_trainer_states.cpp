// The states that checkpoints hold: which of the trainer's numbers on the GPU are which of the CPU's.
#include <algorithm>
#include <span>

#include "backend/device/model/gpu_trainer.h"

namespace pipeloom::backend {

GpuTrainer::HostChunks GpuTrainer::host_chunks() const {
  HostChunks chunks;
  for (const Chunk& chunk : plan_.schedule.placement().chunks_of(rank_.pipeline_rank)) {
    const bool borrows = borrows_token_table(plan_, chunk.stage);
    auto maths = std::make_unique<Stage<float>>(*plan_.job.model, plan_.costs.programs[chunk.stage], shape_,
                                                arithmetic_for(shape_.formats, false),
                                                borrows ? Stage<float>::Tokens::kBorrowed : Stage<float>::Tokens::kOwn);
    const std::vector<NumberRange> own = optimized(*maths, chunk.stage);
    chunks.push_back(std::make_unique<ChunkRun>(chunk.pipe, chunk.stage, std::move(maths), Sums::kFloat,
                                                contributions_per_step(plan_.job), options_.seed));
    chunks.back()->state().own_moments(own, shape_.formats.moments);
    if (plan_.job.ema_decay > 0) chunks.back()->state().own_averages();
  }
  std::ranges::sort(chunks, {}, [](const auto& chunk) { return chunk->stage(); });
  return chunks;
}

// Both moments of a part lie one after the other there, and apart here.
std::vector<GpuTrainer::Transfer> GpuTrainer::transfers(const HostChunks& host) const {
  std::vector<Transfer> transfers;
  for (size_t i = 0; i < chunks_.size(); ++i) {
    const std::span<float> weights = host[i]->state().weights();
    transfers.push_back({chunks_[i]->numbers().weights, weights.data(), static_cast<int64_t>(weights.size_bytes())});
    for (size_t part = 0; part < host[i]->state().moments().size(); ++part) {
      const std::span<std::byte> bytes = host[i]->state().moments()[part].bytes();
      const GpuChunk::Moments own = chunks_[i]->moments(part);
      PIPELOOM_THROW_UNLESS(2 * own.bytes == static_cast<int64_t>(bytes.size()));
      transfers.push_back({own.first, bytes.data(), own.bytes});
      transfers.push_back({own.second, bytes.data() + own.bytes, own.bytes});
    }
  }
  return transfers;
}

}  // namespace pipeloom::backend
