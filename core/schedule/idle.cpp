#include "core/schedule/idle.h"

#include <array>
#include <cstddef>

namespace pipeloom {

const char* idle_cause_name(IdleCause cause) {
  static constexpr std::array<const char*, kIdleCauses> kNames = {"warm-up",    "waits for task",    "exposed transfer",
                                                                  "no credit",  "link busy",         "SMs busy",
                                                                  "memory cap", "optimizer barrier", "drain"};
  return kNames[static_cast<size_t>(cause)];
}

}  // namespace pipeloom
