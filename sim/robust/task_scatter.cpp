#include "sim/robust/task_scatter.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/job/variation.h"
#include "sim/engine/simulate_tasks.h"

namespace pipeloom::sim {

namespace {

bool is_routed(Component component) {
  return component == Component::kDispatch || component == Component::kExperts || component == Component::kCombine;
}

uint32_t scaled(double factor) {
  constexpr double kMaxScale = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::min(kMaxScale, std::round(factor * ReplicaRuns::kUnscaled)));
}

}  // namespace

std::vector<uint32_t> task_scatter(const Job& job, const Schedule& schedule, const TaskGraph& graph, int replicas,
                                   uint64_t seed, uint64_t step) {
  if (job.variation.none()) return {};
  const StepDraws draws(job.variation, seed, step);
  const Scatter jitter(job.variation.jitter);
  const int gpus = std::max(1, job.layout.expert / replicas);
  std::vector<uint32_t> scale;
  scale.reserve(static_cast<size_t>(replicas) * graph.tasks().size());
  for (int replica = 0; replica < replicas; ++replica) {
    for (const Task& task : graph.tasks()) {
      const TaskKey& key = task.key;
      if (key.kind != TaskKind::kComponent) {
        scale.push_back(ReplicaRuns::kUnscaled);
        continue;
      }
      const Slot& slot = schedule.slots()[schedule.first_slot(key.rank) + static_cast<uint32_t>(key.slot)];
      const int micro_batch = slot.micro_batch_of(direction_of(key.pass));
      double factor = draws.rank_factor(replica * schedule.ranks() + key.rank);
      if (is_routed(key.component)) factor *= draws.expert_factor_of(replica, key.layer, micro_batch, gpus);
      if (job.variation.jitter > 0) {
        const uint64_t name = draw_key(replica, key.rank, key.slot, key.layer, static_cast<int>(key.component),
                                       static_cast<int>(key.pass));
        factor *= draws.jitter_factor(name, jitter);
      }
      scale.push_back(scaled(factor));
    }
  }
  return scale;
}

}  // namespace pipeloom::sim
