#pragma once

#include <cstdint>
#include <vector>

#include "backend/device/program/launch_program.h"

namespace pipeloom::backend {

// Which launches a device is sure to have ended when another starts, whatever it does meanwhile: by vector clocks over
// the ops as they are issued (Fidge 1988; Mattern 1989). A wait for an event that was not recorded before it waits for
// nothing, as CUDA has it. Knows nothing of how the program was made. O(ops * streams).
class HappensBefore {
 public:
  explicit HappensBefore(const LaunchProgram& program);

  // Whether launch `first` has ended when `second` starts. Numbers of LaunchProgram::launches.
  bool before(uint32_t first, uint32_t second) const { return start_[second][stream_[first]] > position_[first]; }
  bool ordered(uint32_t first, uint32_t second) const { return before(first, second) || before(second, first); }
  // Whether the launch has ended when the origin does.
  bool ended_at_end(uint32_t launch) const { return end_[stream_[launch]] > position_[launch]; }
  // Whether the launch starts after event 0.
  bool after_begin(uint32_t launch) const { return start_[launch].back() > 0; }

 private:
  using Clock = std::vector<uint32_t>;  // [stream] launches that have ended; the origin's counts event 0

  std::vector<uint32_t> stream_;    // [launch]
  std::vector<uint32_t> position_;  // [launch] on its stream
  std::vector<Clock> start_;        // [launch]
  Clock end_;                       // of the origin
};

}  // namespace pipeloom::backend
