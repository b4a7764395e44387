#pragma once

#include <optional>

#include "core/job/hand_over_copy.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// How a run on one GPU copies hand-overs: as the plan says; where it says nothing, in pieces of as many tokens as its
// all-to-all has. `asked` is the method that the user asks for, whatever the plan says. Pure.
HandOverCopy hand_over_of(const Plan& plan, std::optional<CopyMethod> asked);

}  // namespace pipeloom::backend
