#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/model/training.h"
#include "backend/runtime/messages/facts.h"
#include "backend/runtime/training/chunk_run.h"
#include "core/base/result.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// Where checkpoints are kept: named contents that are there whole or not at all.
class CheckpointStore {
 public:
  virtual ~CheckpointStore() = default;
  virtual Status write(const std::string& name, const std::string& content) = 0;
  // nullopt: there is none of that name.
  virtual Result<std::optional<std::string>> read(const std::string& name) = 0;
  virtual void remove(const std::string& name) = 0;
  virtual Result<std::vector<std::string>> names() = 0;
  // Keeps every other run out as long as this object lives, and removes what a run that died has left half-written.
  // Fails where another run has the store.
  virtual Status lock() = 0;
};

struct CheckpointOptions {
  CheckpointStore* store = nullptr;  // null: no checkpoints
  int64_t every = 0;                 // steps; 0: only read
  bool resume = false;               // from the last complete one
  bool overwrite = false;            // removes those that are there; without either they are refused
  int keep = 1;                      // how many are kept, at least one
};

// What a run has to have in common with the one that wrote the checkpoint.
struct CheckpointIdentity {
  uint64_t plan_digest = 0;
  uint64_t options_digest = 0;  // of what changes the numbers: seed, Adam, mode, text
  std::vector<Fact> facts;      // the same in words, and the plan
  int rank = 0;
  int ranks = 1;
};

// What changes the numbers of a run, for people.
std::vector<Fact> number_facts(const Plan& plan, const TextTokens& text, const TrainingOptions& options);

CheckpointIdentity checkpoint_identity(const Plan& plan, const TextTokens& text, const TrainingOptions& options,
                                       int rank);

// One rank's part of the state after `steps` steps: weights, optimizer state and moving averages of its chunks. The
// data position follows from the step. Fails where a weight is not finite: training can't go on from there.
Result<std::string> write_checkpoint(const CheckpointIdentity& identity, int64_t steps,
                                     const std::vector<std::unique_ptr<ChunkRun>>& chunks);
// Fails where the content is damaged or of another run; the chunks are then undefined.
Status read_checkpoint(const std::string& content, const CheckpointIdentity& identity, int64_t steps,
                       const std::vector<std::unique_ptr<ChunkRun>>& chunks);

// "step12.rank3": the part of rank 3 of the state after 12 steps.
std::string checkpoint_name(int64_t steps, int rank);
struct CheckpointPart {
  int64_t steps = 0;
  int rank = 0;
};
// Of such a name; nullopt: it is another.
std::optional<CheckpointPart> checkpoint_part(std::string_view name);
// Names how many steps the last checkpoint has that all ranks have written.
inline constexpr const char* kLastCheckpoint = "last";

}  // namespace pipeloom::backend
