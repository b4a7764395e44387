#pragma once

#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "backend/model/training.h"
#include "backend/runtime/messages/credits.h"
#include "backend/runtime/messages/gather.h"
#include "backend/runtime/program/replicas.h"
#include "backend/runtime/program/task_runner.h"
#include "backend/runtime/training/chunk_run.h"
#include "backend/runtime/training/moving_average.h"
#include "backend/runtime/training/replica_exchange.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// Real training: the tasks of one rank of one replica, with its chunks.
class TrainingRunner : public TaskRunner {
 public:
  // All of these outlive the runner. REQUIRES: check_trainable(plan.job).
  TrainingRunner(const Plan& plan, const RankProgram& program, const TextTokens& text, const TrainingOptions& options,
                 Endpoint& endpoint);

  // Steps number from 0.
  void begin_step(int64_t step);
  Status start(const RankTask& task) override;
  Result<Progress> poll(const RankTask& task) override;
  std::string waits_for(const RankTask& task) const override;

  // Of the step that has ended: for each micro-batch whose head this rank has, the sum of its tokens' losses.
  const std::map<int, double>& losses() const { return losses_; }
  // The same of its MTP modules, all together.
  const std::map<int, double>& mtp_losses() const { return mtp_losses_; }
  std::vector<std::unique_ptr<ChunkRun>>& chunks() { return chunks_; }
  // Brings the moving averages to the step that has ended; those of the steps before it are updated beside it.
  void end_averages() { average_->update(); }
  uint64_t averages_digest() const { return average_->digest(); }
  // Of this rank's tokens, in all steps so far.
  const ExpertCounts& expert_counts() const { return expert_counts_; }
  // The most that was kept for later passes at once, in all steps so far. As plans count: what an F keeps is held from
  // its begin, so in a pair F counts first; what a W needs that runs apart, from the end of its I.
  int64_t peak_kept_bytes() const { return peak_kept_bytes_; }
  RunRank rank() const { return rank_; }

 private:
  // A task that waits for messages.
  struct Waiting {
    Gather gather;
    int64_t bytes = 0;                   // that it sent, or received
    bool undone = false;                 // of a norm: the optimizer runs again
    bool recomputes = false;             // of a combine: it waits for what dispatch brings once more
    bool again = false;                  // it waits for more
    std::vector<ExpertRows<float>> own;  // of an exchange: the package that this rank hands to itself
  };
  using HandOver = std::tuple<Direction, int, int>;  // direction, consuming stage, micro-batch

  // Number of the task's chunk in chunks_.
  size_t number_of_chunk(const RankTask& task) const;
  ChunkRun& chunk_of(const RankTask& task) { return *chunks_[number_of_chunk(task)]; }
  MessageTag tag(int stage, int micro_batch, int layer = 0) const {
    return {static_cast<int32_t>(step_), stage, micro_batch, layer};
  }
  HandOver hand_over(const RankTask& task, bool arriving) const;

  Status compute(const RankTask& task);
  void run_forward(ChunkRun& chunk, int part, InFlight& flight);
  InFlight& enter(ChunkRun& chunk, int part, const RankTask& task);
  void leave(ChunkRun& chunk, int part, const RankTask& task);

  int number_of(const RankTask& task) const;
  void complete_send(const RankTask& task, Waiting& waiting);
  Status complete_receive(const RankTask& task, Waiting& waiting);
  Status complete(const RankTask& task, Waiting& waiting);

  Format exchanged(const RankTask& task) const;
  void begin_exchange(const RankTask& task, Waiting& waiting);
  void send_packages(const RankTask& task, ExchangeRun<float>::Packages packages, Waiting& waiting);
  Result<ExchangeRun<float>::Packages> received_packages(const RankTask& task, Waiting& waiting);
  Status complete_exchange(const RankTask& task, Waiting& waiting);

  void remember();
  int64_t optimize(double scale, Gather& gather);
  Status take_weights(Gather& gather);
  Status begin_norm(const RankTask& task, Waiting& waiting);
  Status complete_norm(Waiting& waiting);

  const Plan& plan_;
  const TextTokens& text_;
  TrainingOptions options_;
  Endpoint& endpoint_;
  RunRank rank_;
  EpGroup ep_group_;
  Formats formats_;
  std::vector<std::unique_ptr<ChunkRun>> chunks_;  // by stage
  std::vector<ReplicaExchange> exchanges_;         // of the chunks
  std::unique_ptr<MovingAverage> average_;
  Credits credits_;
  int64_t step_ = 0;
  std::map<HandOver, Matrix<float>> hand_overs_;  // what a stage gave and the next has not taken yet
  std::map<uint32_t, Waiting> waiting_;           // by RankTask::number
  std::map<int, double> losses_;                  // by micro-batch
  std::map<int, double> mtp_losses_;
  SquareSum squares_;  // of this rank's gradients, then of all
  double clip_scale_ = 1;
  int64_t peak_kept_bytes_ = 0;
  ExpertCounts expert_counts_;
};

}  // namespace pipeloom::backend
