#pragma once

#include <cstdint>
#include <vector>

#include "core/schedule/slot.h"
#include "core/tasks/profiled_run.h"

namespace pipeloom::planner {

// What a kernel of a slot does, by its stream and its name.
enum class KernelRole : uint8_t {
  kCompute,
  kDispatch,
  kCombine,
  kExchange,  // communicates, and its name does not say which way
  kNotify,    // waits for the other GPUs before a dispatch or a combine
};

struct SlotKernel {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  int64_t work_ns = 0;  // of that what counts as its own
  KernelRole role = KernelRole::kCompute;
  uint32_t name = 0;  // of the run's
};

// One slot of a schedule as a run measured it.
struct MeasuredSlot {
  Slot slot;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  std::vector<SlotKernel> kernels = {};  // in order of begin
};

enum class KernelWork : uint8_t {
  kMeasured,  // what kernels took
  kAlone,     // what they would take without communication beside them: as long as their like did in the same run, or
              // all compute on average
};

// The slots that a run's ranges name, each with the kernels that the range holds: on the GPU those that begin in it on
// its stream; where the host alone knows of ranges, those that it launched there. A slot's ranges on several streams
// are one slot. In order of begin.
std::vector<MeasuredSlot> measured_slots(const ProfiledRun& run, KernelWork work);

// Of each kernel of the run.
std::vector<SlotKernel> kernels_with_roles(const ProfiledRun& run, KernelWork work);

}  // namespace pipeloom::planner
