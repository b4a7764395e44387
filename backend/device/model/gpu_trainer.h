#pragma once

#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "backend/device/kernels/clip_kernels.h"
#include "backend/device/kernels/device_bytes.h"
#include "backend/device/model/gpu_averages.h"
#include "backend/device/model/gpu_chunk.h"
#include "backend/device/model/gpu_slots.h"
#include "backend/device/model/shared_weights.h"
#include "backend/model/training.h"
#include "backend/runtime/training/chunk_run.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

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

  // Of an exchange, by member. Packages of all exchanges lie in the same place: they follow each other on their lane.
  std::vector<DeviceBytes> send_packages(const RankTask& task) const;
  std::vector<DeviceBytes> receive_packages(const RankTask& task) const;

  // Of a send: what it takes. It stays until the micro-batch has left the chunk; on the way back until the step ends.
  DeviceBytes outgoing(const RankTask& send);
  // Of a receive: where it puts that. One of as many buffers as the queue may have receives posted, in turn.
  DeviceBytes incoming(const RankTask& receive);

  // Float sums of the gradients of a stage: of what all replicas share, and of routed experts.
  DeviceBytes shared_gradients(const RankTask& reduction);
  // Of a token table of which the other end of the pipeline has a copy: own gradients, and where the sum of those of
  // both ends goes. Empty where there is none; shared_gradients then has it.
  struct TokenGradients {
    DeviceBytes own;
    DeviceBytes sum;
  };
  TokenGradients token_gradients(const RankTask& reduction);
  DeviceBytes routed_gradients(const RankTask& reduction);

  // Where the GPU leaves the sum of the tokens' losses, a double for each micro-batch whose head this rank has; those
  // of its MTP modules follow.
  std::map<int, const double*> losses() const;
  // Tokens of each expert of a layer, [routed_experts], that this rank sent in all steps so far; of all its chunks.
  struct ExpertLoads {
    int layer = 0;
    const int64_t* tokens = nullptr;
    int64_t experts = 0;
  };
  std::vector<ExpertLoads> expert_loads() const;
  int mtp_modules() const { return plan_.job.model->mtp_depth; }

  // With clipping. After the reduction of a stage: adds the squares of this rank's part of its gradients
  // (ReductionGroup) to those that others may read.
  void add_squares(const RankTask& reduction, const SmStream& stream) const;
  DeviceBytes squares() const { return {squares_, kSquareBlocks * static_cast<int64_t>(sizeof(double))}; }
  // The sum of squares of some ranks', which must be over, to `total_squares`; then how the optimizer scales gradients,
  // or, with validated clipping, the optimizer again where they were too large.
  void total(const std::vector<DeviceBytes>& squares, const SmStream& stream) const;
  DeviceBytes total_squares() const { return {total_squares_, sizeof(double)}; }
  void clip(const SmStream& stream) const;

  // Of the weights that this rank is the first to hold. After use; the trainer outlives it.
  std::unique_ptr<GpuAverages> make_averages() const;

  // What the optimizer's parts are handed out of, in the same order on all ranks that share some.
  std::vector<SharedWeights> shared_weights() const;

  // For checkpoints: the chunks of this rank as CPUs have them, and what to copy between them and the GPU: weights, and
  // Adam's moments of what it optimizes.
  using HostChunks = std::vector<std::unique_ptr<ChunkRun>>;
  struct Transfer {
    void* gpu = nullptr;
    void* host = nullptr;
    int64_t size_bytes = 0;
  };
  HostChunks host_chunks() const;
  std::vector<Transfer> transfers(const HostChunks& host) const;

  std::vector<std::unique_ptr<GpuChunk>>& chunks() { return chunks_; }

 private:
  using HandOver = std::tuple<Direction, int, int>;  // direction, consuming stage, micro-batch

  void build(Arena& arena);
  void place_receives(Arena& arena);
  std::vector<std::unique_ptr<GpuChunk>> make_chunks(Arena& memory, const GpuSetup& setup) const;
  GpuChunk& chunk_of(int pipe, int stage) const;
  GpuChunk::Slot& slot_of(const RankTask& task) const;
  HandOver hand_over(const RankTask& task, bool arriving) const;
  // What a stage beside this one gave on this rank; null where another rank has that stage.
  Bf16* own_hand_over(const RankTask& task) const;
  std::vector<DeviceBytes> packages_at(const RankTask& task, unsigned char* begin) const;
  int depths() const { return 1 + plan_.job.model->mtp_depth; }
  void enter(const RankTask& task, int part, const SmStream& stream);
  void leave(const RankTask& task, int part, const SmStream& stream);
  std::vector<SharedNumbers> shared(const Stage<float>& stage, int number) const;
  // Those whose optimizer this rank runs.
  std::vector<NumberRange> optimized(const Stage<float>& stage, int number) const;
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
  // By stage and pipe: who lends its token table comes first.
  std::map<std::pair<int, int>, std::unique_ptr<Stage<float>>> stages_;

  int64_t memory_bytes_ = 0;
  Fp8Scratch fp8_;
  std::unique_ptr<GpuProducts> bf16_products_;
  std::unique_ptr<GpuProducts> fp8_products_;
  std::unique_ptr<GpuConstants> constants_;
  std::vector<std::unique_ptr<GpuChunk>> chunks_;  // by stage
  int32_t* inputs_ = nullptr;                      // [micro-batch][tokens]
  int32_t* targets_ = nullptr;                     // [micro-batch][depth][tokens], as Flow::targets
  double* losses_ = nullptr;                       // [micro-batch][depth]
  AdamStep* adam_step_ = nullptr;
  double* squares_ = nullptr;  // [kSquareBlocks] of this rank's parts
  double* total_squares_ = nullptr;
  GpuPackages packages_;  // of a model with experts
  unsigned char* send_ = nullptr;
  unsigned char* receive_ = nullptr;
  std::map<HandOver, Bf16*> arriving_;                  // what receives bring
  std::map<std::tuple<int, int, int>, Bf16*> leaving_;  // pipe, stage, micro-batch: gradients for the stage before
};

}  // namespace pipeloom::backend
