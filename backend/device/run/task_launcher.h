#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "backend/device/kernels/device_bytes.h"
#include "backend/device/kernels/stream.h"
#include "backend/device/model/shared_weights.h"
#include "backend/model/training.h"
#include "backend/runtime/program/rank_program.h"
#include "backend/runtime/training/chunk_run.h"

namespace pipeloom::backend {

// What the packages of a dispatch or combine are, by member of the EP group: fixed ranges, filled as far as the tokens
// go. The rank's own package is among them.
struct ExchangeBytes {
  std::vector<DeviceBytes> send;
  std::vector<DeviceBytes> receive;
};

// What the tasks of one rank launch on a device where it trains (training_launcher.h). Every method enqueues on the
// stream that it is given and returns without waiting. launch, pack and unpack are called while a CUDA graph is
// captured: they don't allocate, don't synchronise, and give the same kernels and addresses in every step. All memory
// is allocated by the constructor. Called by one thread.
//
// The caller orders the streams: a task's kernels run after those of everything that it depends on in the task graph.
class TaskLauncher {
 public:
  virtual ~TaskLauncher() = default;

  // Before the first task of each step, not captured: what changes from step to step (tokens, the optimizer's step)
  // goes to device memory. What is enqueued on `stream` ends before any task starts. Steps number from 0.
  virtual void begin_step(int64_t step, StreamHandle stream) = 0;

  // Components on the compute lane, the optimizer, and the moving averages, which are the host's.
  virtual void launch(const RankTask& task, const SmStream& place) = 0;

  // Dispatch and combine (components on the ep lane), around the travel of their packages, with all members' shares of
  // equal size. A rank alone in its group has one package, which unpack finds where pack put it.
  virtual void pack(const RankTask& task, const SmStream& place) = 0;
  virtual ExchangeBytes packages(const RankTask& task) = 0;
  virtual void unpack(const RankTask& task, const SmStream& place) = 0;

  // What a send takes, and where a receive puts it: the same size on both sides. A receive's range is free once the
  // slot that takes it has ended.
  virtual DeviceBytes outgoing(const RankTask& send) = 0;
  virtual DeviceBytes incoming(const RankTask& receive) = 0;

  // Of a gradient reduction: float32 sums over the copies of the stage, of which each needs that of its part
  // (ReductionGroup), in place. All copies give ranges of the same sizes in the same order; `routed`: of experts that
  // only the replicas with the same place in their EP group share.
  struct Gradients {
    std::vector<DeviceBytes> shared;
    std::vector<DeviceBytes> routed;
    // Of a token table, which the first and the last stage both have: those of all copies are added up, and the sum of
    // the part goes to `token_sum`. Empty: this stage has none.
    DeviceBytes tokens;
    DeviceBytes token_sum;
  };
  virtual Gradients gradients(const RankTask& reduction) = 0;

  // With clipping. Of a gradient reduction, when it is over: adds the squares of the rank's part of the stage's sums to
  // `squares`. Of a norm: the sum over `squares` of some ranks, then what the optimizer makes, or is to have made, of
  // the sum over all.
  virtual void add_squares(const RankTask& reduction, const SmStream& place) = 0;
  virtual DeviceBytes squares() = 0;
  virtual void total(const std::vector<DeviceBytes>& squares, const SmStream& place) = 0;
  virtual DeviceBytes total_squares() = 0;  // one double
  virtual void clip(const SmStream& place) = 0;

  // Behind the last optimizer of the step: weights that other ranks have too, of which each member of the group has
  // optimized its part. All get all parts, as float32; where another process put them, round_weights follows. In the
  // same order on all ranks that share some.
  virtual std::vector<SharedWeights> shared_weights() = 0;
  virtual void round_weights(const SmStream& place) = 0;

  // When the step has ended: what went wrong on the device. May wait.
  virtual Status step_ended() { return {}; }

  // Between steps, for checkpoints: the rank's chunks as CPUs have them; filled with what its checkpoint has; and that
  // taken back. May wait.
  using HostChunks = std::vector<std::unique_ptr<ChunkRun>>;
  virtual HostChunks host_chunks() = 0;
  virtual void save(HostChunks& chunks) = 0;
  virtual void restore(const HostChunks& chunks) = 0;

  // When all steps have ended: tokens of each expert that this rank sent in all of them. May wait.
  virtual ExpertCounts expert_counts() { return {}; }

  // When all steps have ended and the job has moving averages: those of this rank with the weights as they are now.
  // ChunkState::averages_digest of what it owns. May wait.
  virtual uint64_t averages_digest() { return 0; }

  // When the step has ended: for each micro-batch whose head this rank has, the sum of its tokens' losses, and that of
  // all MTP modules. May wait.
  struct Losses {
    std::map<int, double> main;
    std::map<int, double> mtp;  // 0 where the model has none
  };
  virtual Losses losses() = 0;
};

}  // namespace pipeloom::backend
