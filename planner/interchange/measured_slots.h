#pragma once

#include <cstdint>
#include <vector>

#include "core/schedule/slot.h"
#include "core/tasks/profiled_run.h"

namespace pipeloom::planner {

// What a kernel of a slot does, judged by its stream and its name.
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
  int64_t work_ns = 0;  // the part of its duration that counts as its own work
  KernelRole role = KernelRole::kCompute;
  uint32_t name = 0;  // index into ProfiledRun::names
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
  kAlone,  // what they would take without communication beside them, by the slowdown of their like in the same run, or
           // else the mean slowdown of all compute
};

// Returns the slots that a run's ranges name, each with the kernels of its range, in order of begin. A range on the GPU
// holds the kernels that begin in it on its stream; a range on the host holds those that it launched. A slot's ranges
// on several streams are one slot.
std::vector<MeasuredSlot> measured_slots(const ProfiledRun& run, KernelWork work);

// Returns every kernel of the run with its role.
std::vector<SlotKernel> kernels_with_roles(const ProfiledRun& run, KernelWork work);

}  // namespace pipeloom::planner
