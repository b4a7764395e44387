#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/device/model/gpu_chunk.h"
#include "backend/model/moments.h"
#include "backend/runtime/training/chunk_run.h"

namespace pipeloom::backend {

// Moving averages of weights, in the host's memory as ChunkState::averages: a task of the host's lane copies the
// weights there and updates the averages, while the GPU computes. Knows no CUDA: who runs the task makes the copies.
class GpuAverages {
 public:
  // Weights of a chunk, which outlives this.
  struct Part {
    const GpuChunk* chunk = nullptr;
    NumberRange range;
  };
  // They begin as the initial weights.
  GpuAverages(std::vector<Part> parts, double decay, uint64_t seed);

  // Of all parts.
  int64_t numbers() const { return static_cast<int64_t>(averages_.size()); }
  // What to copy from the GPU into `weights` [numbers()] of the host before an update.
  struct Copy {
    const float* from = nullptr;
    float* to = nullptr;
    int64_t count = 0;
  };
  std::vector<Copy> copies(float* weights) const;
  // To and from the chunks of the rank as CPUs have them (GpuTrainer::host_chunks).
  void save(const std::vector<std::unique_ptr<ChunkRun>>& chunks) const;
  void restore(const std::vector<std::unique_ptr<ChunkRun>>& chunks);
  // Any thread, one at a time.
  void update(const float* weights);
  // ChunkState::averages_digest of these parts.
  uint64_t digest() const;

 private:
  std::vector<Part> parts_;
  double decay_;
  std::vector<float> averages_;  // one part after the other
};

}  // namespace pipeloom::backend
