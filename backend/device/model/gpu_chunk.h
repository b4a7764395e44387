#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "backend/device/kernels/adam_kernels.h"
#include "backend/device/kernels/columns_kernels.h"
#include "backend/device/model/gpu_part.h"
#include "backend/device/model/gpu_slots.h"
#include "backend/model/chunk_state.h"
#include "backend/model/stage.h"

namespace pipeloom::backend {

// One copy of a stage on the GPU: its numbers, and slots in which micro-batches are on their way from their first F to
// their last W.
class GpuChunk {
 public:
  struct Slot {
    GpuFlow flow;
    std::vector<std::unique_ptr<GpuPart>> parts;  // in the order of F
  };
  // What the chunk is made with: `memory` is for its numbers and slots. Parts have all that a setup has, but `kept` and
  // `late`.
  struct Space {
    Arena& memory;
    const GpuSetup& setup;
    const Model& model;
    const PartShape& shape;
  };
  struct Role {
    int pipe = 0;
    int stage = 0;
    // Whose token table the parts use (Stage::Tokens::kBorrowed); outlives the chunk. Null: their own.
    const GpuChunk* lender = nullptr;
    // The other end of the pipeline has a copy of the token table: the optimizer reads its gradient from a sum.
    bool sums_tokens = false;
    std::vector<NumberRange> optimized = {};  // the numbers whose optimizer this rank runs
    bool may_optimize_again = false;          // their state is remembered
  };

  // `stage` has the layout of the numbers and outlives the chunk.
  GpuChunk(const Role& role, const Stage<float>& stage, const std::set<GpuSlots::Place>& places, const Space& space);

  int pipe() const { return role_.pipe; }
  int stage_number() const { return role_.stage; }
  const Stage<float>& stage() const { return *stage_; }
  Slot& slot(const GpuSlots::Place& place) { return slots_.at(place); }
  int last_part() const { return static_cast<int>(stage_->parts().size()) - 1; }

  std::vector<float> initial_weights(uint64_t seed) const;
  // Those, and zeros for the optimizer's state and the loads.
  std::vector<GpuUpload> initial(uint64_t seed) const;
  // After the upload.
  void round_weights(const SmStream& stream) const;

  void clear_gradients(const SmStream& stream) const { set_zero(stream, stage_->size(), numbers_.gradients); }
  // Role::optimized, from the sums of their gradients.
  void optimize(const SmStream& stream, const AdamOptions& options, const LoadBalance& balance,
                const AdamStep* step) const;
  // From the state before that, where `step` has got a scale below 1. REQUIRES: Role::may_optimize_again.
  void optimize_again(const SmStream& stream, const AdamOptions& options, const AdamStep* step) const;

  // Adds the squares of the sums of gradients of Role::optimized, as the optimizer reads them; loads are none.
  void add_squares(const SmStream& stream, double* partials) const;

  // Of Adam, as they are stored: of Role::optimized number `part`.
  struct Moments {
    void* first = nullptr;
    void* second = nullptr;
    int64_t bytes = 0;  // of either
  };
  Moments moments(size_t part) const;

  const GpuNumbers& numbers() const { return numbers_; }
  // Of each layer with experts: tokens of each of them that this rank sent, [routed_experts], in all steps so far.
  const std::map<int, int64_t*>& expert_loads() const { return expert_loads_; }
  // Of Role::sums_tokens: how many numbers the token table has, which come first; else 0.
  int64_t summed_tokens() const { return summed_tokens_; }
  float* token_sum() const { return token_sum_; }

 private:
  struct Optimized {
    NumberRange range;
    AdamNumbers numbers;
  };
  Optimized make_optimized(const NumberRange& range, Format moments, Arena& memory) const;
  // Calls with each range of gradients that Adam reads: number of the first, count, sums.
  template <typename Function>
  void for_each_gradient(const NumberRange& range, const Function& function) const;
  Slot make_slot(const GpuSetup& setup, const Space& space) const;
  GpuPartNumbers numbers_of(const Stage<float>::Placed& placed) const;

  Role role_;
  const Stage<float>* stage_;
  GpuNumbers numbers_;
  std::vector<Optimized> optimized_;
  int64_t summed_tokens_ = 0;
  float* token_sum_ = nullptr;
  std::vector<NumberRange> biases_;  // of experts
  std::map<int, int64_t*> expert_loads_;
  int64_t experts_ = 0;  // of a layer
  std::map<GpuSlots::Place, Slot> slots_;
};

}  // namespace pipeloom::backend
