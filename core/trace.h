#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/component.h"
#include "core/slot.h"

namespace pipeloom {

// Stored in traces: values never change.
enum class TaskKind : uint8_t { kComponent = 0, kSend = 1, kReceive = 2, kGradientReduction = 3, kOptimizer = 4 };

// What a task is, independent of any numbering: predicted and executed tasks with equal keys are the same task.
struct TaskKey {
  int32_t rank = 0;
  int32_t slot = -1;  // in the rank's order; -1: no slot (optimizer, gradient reduction)
  int32_t layer = 0;  // as ComponentCost::layer; of a send, receive or gradient reduction: the stage
  Component component = Component::kStage;
  SlotKind pass = SlotKind::kF;  // of a pair's component: F, I or W
  TaskKind kind = TaskKind::kComponent;

  auto operator<=>(const TaskKey&) const = default;
};

// When a task ran. Times in ns from the start of the step.
struct Span {
  TaskKey key;
  Lane lane = Lane::kCompute;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;

  bool operator==(const Span&) const = default;
};

struct Trace {
  std::string name;
  uint64_t plan_digest = 0;  // Plan::task_digest of the plan that was run; 0: unknown
  std::vector<Span> spans;

  bool operator==(const Trace&) const = default;
};

}  // namespace pipeloom
