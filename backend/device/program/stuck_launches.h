#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "backend/device/program/launch_program.h"

namespace pipeloom::backend {

// What a device that no longer advances is at, for a message to people: of each stream the first launch that may not
// have ended, unless the stream waits for another one. `happened`: of an event of the step; `name`: of a task.
// "attention F of layer 3 (stage 1) for micro-batch 2; send of F1 of stage 0 to rank 1".
std::string stuck_launches(const LaunchProgram& program, const std::function<bool(uint32_t event)>& happened,
                           const std::function<std::string(uint32_t task)>& name);

}  // namespace pipeloom::backend
