#include "backend/runtime/training/moving_average.h"

#include <chrono>

namespace pipeloom::backend {

MovingAverage::MovingAverage(const std::vector<std::unique_ptr<ChunkRun>>& chunks, double decay)
    : chunks_(chunks), decay_(decay) {
  if (decay_ == 0) return;
  for (const auto& chunk : chunks_) chunk->state().own_averages();
}

void MovingAverage::begin() {
  PIPELOOM_THROW_UNLESS(done());
  if (decay_ == 0) return;
  update_ = std::async(std::launch::async, [this] {
    for (const auto& chunk : chunks_) chunk->state().update_averages(decay_);
  });
}

bool MovingAverage::done() const {
  return !update_.valid() || update_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

void MovingAverage::update() {
  begin();
  if (update_.valid()) update_.wait();
}

uint64_t MovingAverage::digest() const {
  uint64_t sum = 0;
  for (const auto& chunk : chunks_) sum += chunk->state().averages_digest();
  return sum;
}

}  // namespace pipeloom::backend
