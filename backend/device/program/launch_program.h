#pragma once

#include <cstdint>
#include <vector>

#include "core/costs/component.h"
#include "core/schedule/placement.h"

namespace pipeloom::backend {

// An in-order queue of a device: a lane of a rank.
struct LaunchStream {
  int rank = 0;
  Lane lane = Lane::kCompute;
  int peer = -1;  // of a point-to-point queue; -1: none, or all of the rank's, where batches are launched together
  Direction direction = Direction::kForward;
};

// What is launched at once: a task, or a batch of sends and receives that begin and end together.
struct Launch {
  uint32_t stream = 0;
  std::vector<uint32_t> tasks;  // numbers in the task graph
};

// A task without a launch of its own: the receive of a message that the sender's copy puts into place.
struct PassedTask {
  uint32_t task = 0;
  uint32_t ends_with = 0;  // a task that is launched
};

struct LaunchOp {
  enum class Kind : uint8_t {
    kWait,    // the stream waits until the event's last record has happened
    kLaunch,  // the stream runs the launch
    kRecord,  // the event happens when everything on the stream before it has ended
  };
  Kind kind = Kind::kLaunch;
  uint32_t stream = 0;
  uint32_t number = 0;  // of the event or the launch

  bool operator==(const LaunchOp&) const = default;
};

// One step as a device runs it: what one thread issues, one op after the other. Ops of a stream run in this order;
// streams are ordered by events alone, each of which is recorded once a step. Event 0 is recorded first, on the origin,
// and every stream waits for it; the origin ends when all streams have: so that a step follows the one before, and can
// be captured as one graph.
struct LaunchProgram {
  std::vector<LaunchStream> streams;  // the origin comes after them
  std::vector<Launch> launches;       // in issue order
  std::vector<PassedTask> passed;
  std::vector<LaunchOp> ops;
  uint32_t events = 1;

  uint32_t origin() const { return static_cast<uint32_t>(streams.size()); }
};

}  // namespace pipeloom::backend
