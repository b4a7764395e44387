#include "sim/engine/simulate.h"

#include "sim/engine/async_p2p.h"
#include "sim/engine/blocking_p2p.h"
#include "sim/engine/steps.h"
#include "sim/engine/sweep.h"

namespace pipeloom::sim {

Result<Timeline> simulate(const Schedule& schedule, const ScheduleCosts& costs, const P2pRule& rule) {
  PIPELOOM_RETURN_IF_ERROR(check_costs_fit(schedule, costs));
  if (rule.mode == P2pMode::kBlocking) return simulate_blocking(schedule, costs, MessageTable(schedule));
  if (costs.latency_only() && rule.receive_depth == 0) {
    PIPELOOM_TRY(const Steps steps, Steps::create(schedule, costs));
    return sweep_timeline(schedule, steps);
  }
  return simulate_async(schedule, costs, MessageTable(schedule), rule.receive_depth);
}

}  // namespace pipeloom::sim
