#include "backend/device/model/gpu_averages.h"

#include <algorithm>
#include <span>

namespace pipeloom::backend {

GpuAverages::GpuAverages(std::vector<Part> parts, double decay, uint64_t seed)
    : parts_(std::move(parts)), decay_(decay) {
  for (const Part& part : parts_) {
    const std::vector<float> weights = part.chunk->initial_weights(seed);
    const auto begin = weights.begin() + part.range.begin;
    averages_.insert(averages_.end(), begin, begin + part.range.count);
  }
}

std::vector<GpuAverages::Copy> GpuAverages::copies(float* weights) const {
  std::vector<Copy> copies;
  for (const Part& part : parts_) {
    copies.push_back({part.chunk->numbers().weights + part.range.begin, weights, part.range.count});
    weights += part.range.count;
  }
  return copies;
}

void GpuAverages::update(const float* weights) {
  for (float& average : averages_) {
    average =
        static_cast<float>(decay_ * static_cast<double>(average) + (1 - decay_) * static_cast<double>(*weights++));
  }
}

void GpuAverages::save(const std::vector<std::unique_ptr<ChunkRun>>& chunks) const {
  auto from = averages_.begin();
  for (const auto& chunk : chunks) {
    for (std::vector<float>& part : chunk->state().averages()) {
      std::copy_n(from, part.size(), part.begin());
      from += static_cast<int64_t>(part.size());
    }
  }
  PIPELOOM_THROW_UNLESS(from == averages_.end());
}

void GpuAverages::restore(const std::vector<std::unique_ptr<ChunkRun>>& chunks) {
  averages_.clear();
  for (const auto& chunk : chunks) {
    for (const std::vector<float>& part : chunk->state().averages()) {
      averages_.insert(averages_.end(), part.begin(), part.end());
    }
  }
}

uint64_t GpuAverages::digest() const {
  uint64_t sum = 0;
  std::span<const float> averages = averages_;
  for (const Part& part : parts_) {
    sum += numbers_digest(part.chunk->stage().parameters(), part.range, averages.first(part.range.count));
    averages = averages.subspan(part.range.count);
  }
  return sum;
}

}  // namespace pipeloom::backend
