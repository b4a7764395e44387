#pragma once

#include <vector>

#include "backend/cli/run_options.h"
#include "backend/model/tokens.h"
#include "backend/runtime/messages/facts.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// What all ranks of a run must have been started with: the program, the plan, the text and the options that change what
// ranks compute, or which messages they wait for. `text`: null for a paced run.
std::vector<Fact> run_facts(const CommandOptions& options, const Plan& plan, const TextTokens* text);

}  // namespace pipeloom::backend
