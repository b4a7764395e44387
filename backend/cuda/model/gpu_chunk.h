#pragma once

#include <memory>
#include <vector>

#include "backend/cuda/kernels/adam.h"
#include "backend/cuda/kernels/columns.h"
#include "backend/cuda/model/gpu_part.h"
#include "backend/model/stage.h"

namespace pipeloom {

// One copy of a stage on the GPU: its numbers, and slots in which micro-batches are on their way from their first F to
// their last W.
class GpuChunk {
 public:
  struct Slot {
    GpuFlow flow;
    std::vector<std::unique_ptr<GpuPart>> parts;  // in the order of F
  };
  // What the chunk is made with: `state` is for its numbers, the setup for slots.
  struct Space {
    Arena& state;
    const GpuSetup& setup;
  };

  // `stage` has the layout of the numbers and outlives the chunk.
  GpuChunk(int pipe, int stage_number, const Stage<float>& stage, const Model& model, const PartShape& shape, int slots,
           const Space& space);

  int pipe() const { return pipe_; }
  int stage_number() const { return stage_number_; }
  const Stage<float>& stage() const { return *stage_; }
  Slot& slot(int number) { return slots_[number]; }
  int last_part() const { return static_cast<int>(stage_->parts().size()) - 1; }

  // The initial weights, and zeros for the optimizer's state.
  std::vector<GpuUpload> initial(uint64_t seed) const;
  // After the upload.
  void round_weights(const SmStream& stream) const;

  void clear_gradients(const SmStream& stream) const { set_zero(stream, stage_->size(), numbers_.gradients); }
  void optimize(const SmStream& stream, const AdamOptions& options, const AdamStep* step) const;

  const GpuNumbers& numbers() const { return numbers_; }

 private:
  int pipe_;
  int stage_number_;
  const Stage<float>* stage_;
  GpuNumbers numbers_;
  float* first_;   // of Adam
  float* second_;  // of Adam
  std::vector<Slot> slots_;
};

}  // namespace pipeloom
