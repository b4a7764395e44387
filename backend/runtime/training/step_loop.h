#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "backend/model/training.h"
#include "backend/runtime/messages/meeting.h"
#include "backend/runtime/training/checkpoint_keeper.h"

namespace pipeloom::backend {

// What every run of steps is told, whatever runs them.
struct StepOptions {
  int64_t steps = 1;                               // in all, those before a checkpoint included
  int64_t patience_ns = 60'000'000'000;            // nothing ends for so long: hung. Longer than any single task
  std::function<void(const StepReport&)> on_step;  // called by rank 0
  bool traced = false;                             // a step is traced: the last, or one more where that slows it
  CheckpointOptions checkpoints;
  // Whether this process wishes to stop; asked before each step. One rank's wish stops all, after a checkpoint.
  std::function<bool()> wants_stop;
  // Called on every process if the run stops early: after how many steps, and whether they are in a checkpoint.
  std::function<void(int64_t steps, bool saved)> on_stop;
};

// Sums of the losses of the tokens of each micro-batch whose head is here, by micro-batch of the whole batch.
struct StepLosses {
  std::map<int64_t, double> main;
  std::map<int64_t, double> mtp;  // of all MTP modules together; 0 where the model has none
};

// Numbers a replica's micro-batches in the whole batch: replica after replica, as the sequential run counts them.
std::map<int64_t, double> of_whole_batch(const std::map<int, double>& losses, int replica, int micro_batches);

// Runs the steps of a rank, or of all ranks of a device.
class StepRunner {
 public:
  virtual ~StepRunner() = default;

  // Runs a step to its end. Steps number from 0. Returns how long it took by the device's clock; 0 if the time that the
  // host saw pass is the one to report.
  virtual Result<int64_t> run_step(int64_t step) = 0;
  // Losses of the step that has ended; nullopt: nothing is trained.
  virtual std::optional<StepLosses> losses() = 0;
};

struct StepsResult {
  std::vector<double> losses;      // [step] mean over the tokens of the step
  std::vector<double> mtp_losses;  // [step] as of TrainingResult
  int64_t begin_ns = 0;            // when the last step began, in rank 0's time
};

// Returns how long the ranks of a run wait for each other between steps: longer than its patience, because each waits
// for the slowest, which takes longer than any one task.
int64_t meeting_patience_ns(const StepOptions& options);

// Goes on from the checkpoint, if one is resumed, and runs the steps that are left: all ranks meet before each, and
// after each come its losses and its checkpoint. Every rank calls it together. Fails where a step's loss is not finite:
// the last checkpoint is the one before it.
Result<StepsResult> run_steps(const Job& job, const StepOptions& options, Meeting& meeting,
                              CheckpointKeeper& checkpoints, StepRunner& runner);

}  // namespace pipeloom::backend
