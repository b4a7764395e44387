#pragma once

#include <cstdint>

namespace pipeloom {

// Why a compute lane is idle. Stored in reports: values never change.
enum class IdleCause : uint8_t {
  kWarmUp = 0,            // before the rank's first slot
  kWaitsForTask = 1,      // the input is still being computed on another rank
  kExposedTransfer = 2,   // the input is on its way
  kNoCredit = 3,          // the input is ready, but no receive is posted for it
  kLinkBusy = 4,          // the input is ready, but other messages occupy the link
  kSmsBusy = 5,           // the SMs that the task needs are taken
  kMemoryCap = 6,         // the plan waits for memory
  kOptimizerBarrier = 7,  // after the last slot: gradient reductions that the optimizer needs
  kDrain = 8,             // after the rank's last task
};
inline constexpr int kIdleCauses = 9;
const char* idle_cause_name(IdleCause cause);  // "warm-up", "waits for task", ...

// A piece of idle time of one rank with one cause. The pieces of a rank don't overlap and sum to its idle time.
struct IdleInterval {
  static constexpr uint32_t kNoSlot = UINT32_MAX;

  int32_t rank = 0;
  IdleCause cause = IdleCause::kWarmUp;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  uint32_t before_slot = kNoSlot;  // the slot that could not start; kNoSlot after the rank's last
  uint32_t waits_for = kNoSlot;    // the slot whose output, or whose rank's receive, is awaited

  int64_t duration_ns() const { return end_ns - begin_ns; }
  bool operator==(const IdleInterval&) const = default;
};

}  // namespace pipeloom
