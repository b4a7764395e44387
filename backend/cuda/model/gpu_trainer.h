#pragma once

#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "backend/cuda/model/gpu_chunk.h"
#include "backend/cuda/model/gpu_slots.h"
#include "backend/model/training.h"
#include "backend/runtime/replicas.h"
#include "core/plan.h"

namespace pipeloom {

// Real training on a GPU: what the tasks of one rank of one replica launch, as TrainingRunner does on CPUs. Knows
// kernels and described products, not CUDA itself. Memory is laid out once: nothing is allocated and no address changes
// while it trains.
//
//   GpuTrainer trainer(...);
//   trainer.use(memory of trainer.memory_bytes());
//   upload trainer.initial(); trainer.prepare(stream);
//   for each step: upload trainer.step_uploads(step); trainer.begin_step(stream); launch, pack, unpack ...; losses.
class GpuTrainer {
 public:
  // All of these outlive it. `rank` is of the run; `program` its rank's part of the plan.
  // REQUIRES: check_gpu_trainable(plan.job).
  GpuTrainer(const Plan& plan, const RankProgram& program, RunRank rank, const TextTokens& text,
             const TrainingOptions& options, ProductRunner& runner);
  ~GpuTrainer();

  int64_t memory_bytes() const { return memory_bytes_; }
  // `memory` of the GPU, at a multiple of 256 bytes; before everything below.
  void use(std::byte* memory);

  std::vector<GpuUpload> initial() const;
  void prepare(const SmStream& stream) const;
  // Steps number from 0.
  std::vector<GpuUpload> step_uploads(int64_t step) const;
  void begin_step(const SmStream& stream) const;

  // A component of the compute lane, or the optimizer.
  void launch(const RankTask& task, const SmStream& stream);
  // A dispatch or combine: what goes to the members of the EP group, and what came from them.
  void pack(const RankTask& task, const SmStream& stream);
  void unpack(const RankTask& task, const SmStream& stream);

  struct Range {
    void* data = nullptr;
    int64_t size_bytes = 0;
  };
  // By member. Packages of all exchanges lie in the same place: they follow each other on their lane.
  std::vector<Range> send_packages() const;
  std::vector<Range> receive_packages() const;

  // Of a send: what it takes. It stays until the micro-batch has left the chunk; on the way back until the step ends.
  Range outgoing(const RankTask& send);
  // Of a receive: where it puts that. One of as many buffers as the queue may have receives posted, in turn.
  Range incoming(const RankTask& receive);

  // Float sums of the gradients of a stage: of what all replicas share, and of routed experts.
  Range shared_gradients(const RankTask& reduction);
  Range routed_gradients(const RankTask& reduction);

  // Where the GPU leaves the sum of the tokens' losses, a double for each micro-batch whose head this rank has.
  std::map<int, const double*> losses() const;

  std::vector<std::unique_ptr<GpuChunk>>& chunks() { return chunks_; }

 private:
  using HandOver = std::tuple<Direction, int, int>;  // direction, consuming stage, micro-batch

  void build(Arena& arena);
  void place_receives(Arena& arena);
  GpuChunk& chunk_of(int pipe, int stage) const;
  GpuChunk::Slot& slot_of(const RankTask& task) const;
  HandOver hand_over(const RankTask& task, bool arriving) const;
  // What a stage beside this one gave on this rank; null where another rank has that stage.
  float* own_hand_over(const RankTask& task) const;
  void enter(const RankTask& task, int part, const SmStream& stream);
  void leave(const RankTask& task, int part, const SmStream& stream);
  int64_t rows_size() const { return tokens_ * plan_.job.model->hidden; }
  int last_stage() const { return plan_.schedule.stages() - 1; }

  const Plan& plan_;
  const RankProgram& program_;
  RunRank rank_;
  const TextTokens& text_;
  TrainingOptions options_;
  ProductRunner& runner_;
  PartShape shape_;
  GpuSlots slots_;
  int64_t tokens_;
  std::map<std::pair<int, int>, std::unique_ptr<Stage<float>>> stages_;  // by pipe and stage

  int64_t memory_bytes_ = 0;
  Fp8Scratch fp8_;
  std::unique_ptr<GpuProducts> linear_;
  std::unique_ptr<GpuProducts> precise_;
  std::unique_ptr<GpuConstants> constants_;
  std::vector<std::unique_ptr<GpuChunk>> chunks_;  // by stage
  int32_t* inputs_ = nullptr;                      // [micro-batch][tokens]
  int32_t* targets_ = nullptr;                     // the same
  double* losses_ = nullptr;                       // [micro-batch]
  AdamStep* adam_step_ = nullptr;
  PackageShape packages_;  // of a model with experts
  unsigned char* send_ = nullptr;
  unsigned char* receive_ = nullptr;
  std::map<HandOver, float*> arriving_;                  // what receives bring
  std::map<std::tuple<int, int, int>, float*> leaving_;  // pipe, stage, micro-batch: gradients for the stage before
};

}  // namespace pipeloom
