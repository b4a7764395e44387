#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/costs/component.h"
#include "core/schedule/slot.h"

namespace pipeloom {

// Stored in traces: values never change.
enum class TaskKind : uint8_t {
  kComponent = 0,
  kSend = 1,
  kReceive = 2,
  kGradientReduction = 3,
  kOptimizer = 4,
  kNorm = 5,  // norm of all gradients over all ranks, to clip before the optimizer or to validate after it
  kEma = 6,   // moving average of the weights that the last step left, in the host's memory
};

// What a task is, independent of any numbering. Predicted and executed tasks with equal keys are the same task.
struct TaskKey {
  int32_t rank = 0;
  int32_t slot = -1;  // position in the rank's order; -1: no slot (optimizer, gradient reduction)
  int32_t layer = 0;  // as ComponentCost::layer; for sends, receives and gradient reductions the stage
  Component component = Component::kStage;
  SlotKind pass = SlotKind::kF;  // in a pair, the pass that the component belongs to: F, I or W
  TaskKind kind = TaskKind::kComponent;

  auto operator<=>(const TaskKey&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 sees a 0 in it
};

// Stored in traces: values never change.
enum class WaitKind : uint8_t {
  kNone = 0,
  kTask = 1,     // an earlier task of the same rank
  kMessage = 2,  // a message of another rank
  kCredit = 3,   // a free receive buffer on another rank
  kMember = 4,   // the last member of a collective to arrive
};

// What a task waited for last.
struct Wait {
  WaitKind kind = WaitKind::kNone;
  TaskKey task;      // kTask
  int32_t rank = 0;  // other kinds: the awaited rank, as replica * ranks of the pipeline + rank

  bool operator==(const Wait&) const = default;
};

// When a task ran. Times in ns from the start of the step.
struct Span {
  TaskKey key;
  Lane lane = Lane::kCompute;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  int32_t replica = 0;    // data-parallel
  int64_t queued_ns = 0;  // how long before its begin it was issued, that is, became the next of its queue
  int64_t waited_ns = 0;  // spent waiting for other ranks, between begin and end
  int64_t bytes = 0;      // sent or received
  Wait wait = {};         // the wait that ended last

  int64_t issue_ns() const { return begin_ns - queued_ns; }
  int64_t work_ns() const { return end_ns - begin_ns - waited_ns; }
  bool operator==(const Span&) const = default;
};

struct Trace {
  std::string name;
  uint64_t plan_digest = 0;  // Plan::task_digest of the plan that was run; 0: unknown
  std::vector<Span> spans;
  int64_t clock_error_ns = 0;  // times of different ranks may be off by this much either way; 0: one clock

  bool operator==(const Trace&) const = default;
};

}  // namespace pipeloom
