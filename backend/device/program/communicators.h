#pragma once

#include <cstdint>
#include <vector>

#include "core/job/layout.h"
#include "core/schedule/placement.h"

namespace pipeloom::backend {

// Ranks of a run that send to each other in one order of their own. Ranks are numbered over all replicas
// (backend/runtime/program/replicas.h).
struct Communicator {
  enum class Kind : uint8_t {
    kEdge,     // what one rank sends another in one direction of the pipeline: members are source, then target
    kExpert,   // an EP group
    kReplica,  // who holds the same gradients
  };
  Kind kind = Kind::kEdge;
  Direction direction = Direction::kForward;  // of an edge
  std::vector<int> members;                   // by their number in the communicator
  int round = 0;

  bool operator==(const Communicator&) const = default;
};

// All communicators of a run, the same on every rank and in the same order. They are split off the world in rounds:
// in a round a rank joins one at most, so that one call of each rank makes several at once.
struct CommunicatorPlan {
  std::vector<Communicator> communicators;
  int rounds = 0;

  // The communicator that `rank` joins in `round`, or -1.
  int joined(int rank, int round) const;
  // -1 where there is none: groups of one need none.
  int find(Communicator::Kind kind, const std::vector<int>& members, Direction direction = Direction::kForward) const;
};

// One for each directed edge of the pipeline in each replica, for each EP group, and for each set of ranks that reduces
// gradients; `copies_tokens`: also those of a token table that both ends of the pipeline have. Pure.
CommunicatorPlan plan_communicators(const Placement& placement, const Layout& layout, bool copies_tokens = false);

}  // namespace pipeloom::backend
