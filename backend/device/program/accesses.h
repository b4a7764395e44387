#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "backend/device/program/launch_lowering.h"
#include "backend/device/program/launch_program.h"
#include "core/tasks/plan.h"
#include "core/tasks/task_graph.h"

namespace pipeloom::backend {

// A range of a device's memory that tasks share.
struct Resource {
  enum class Kind : uint8_t {
    kFlow,       // what goes from component to component of a micro-batch, and out of the stage, forward or backward
    kSaved,      // what a component keeps for its next pass
    kGradients,  // sums of a copy of a stage; `part` for one member of its reduction, -1: all of one component
    kWeights,    // of a copy of a stage; `part` as of gradients
    kTable,      // a token table that both ends have, on one of them; `part` for one copy
    kIncoming,   // a receive buffer; `part` of its queue
    kNorm,       // of all gradients, as a rank's optimizer reads it
    kSquares,    // what a rank adds to it
    kTokens,     // sums of the gradients of an end's own copy of a token table
    kTokenSum,   // their sum over both ends, of the rank's part
  };
  Kind kind = Kind::kFlow;
  int rank = 0;
  int pipe = 0;  // kIncoming: the other rank
  int stage = 0;
  int micro_batch = 0;
  int layer = 0;
  int part = 0;
  Component component = Component::kStage;
  Direction direction = Direction::kForward;

  auto operator<=>(const Resource&) const = default;  // NOLINT(modernize-use-nullptr): takes its zero for a pointer
};

struct Access {
  Resource resource;
  bool writes = false;
};

// What each task of `graph` (the plan's) reads and writes, as a TaskLauncher's tasks do: from the maths, not from the
// graph's dependencies. [task]
std::vector<std::vector<Access>> task_accesses(const Plan& plan, const TaskGraph& graph, Transfers transfers);

// Two tasks that touch the same memory, one of them writing, and that nothing orders.
struct Race {
  uint32_t first = 0;  // tasks
  uint32_t second = 0;
  Resource resource;
};

// All races of a lowered program. O(ops * streams + writers of a resource times all its users).
std::vector<Race> find_races(const LaunchProgram& program, const std::vector<std::vector<Access>>& accesses);

}  // namespace pipeloom::backend
