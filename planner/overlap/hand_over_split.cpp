#include "planner/overlap/hand_over_split.h"

#include <algorithm>
#include <tuple>

#include "sim/cost/hand_over_rate.h"
#include "sim/cost/pipeline_links.h"

namespace pipeloom::planner {

bool has_hand_over_choice(const Job& job) {
  return job.model && job.cluster->shared_gpu && !job.cluster->gpu.rates.hand_over.empty() &&
         job.measured_layers.empty();
}

std::vector<int> hand_over_candidates(const Cluster& cluster) {
  constexpr int kUnit = 4;            // a GPU's SMs can be divided in fours
  constexpr int kLeftForCompute = 8;  // keeps some SMs for compute
  std::vector<int> candidates;
  for (int sms = kUnit; sms <= cluster.gpu.sms - kLeftForCompute; sms += kUnit) candidates.push_back(sms);
  return candidates;
}

Job with_hand_over(Job job) {
  if (job.cluster->hand_over) return job;
  const int64_t token_bytes = job.model->hidden * 2;  // BF16
  job.cluster->hand_over = sim::fastest_hand_over(*job.cluster, sim::hand_over_bytes(job), token_bytes);
  return job;
}

std::vector<HandOverSplit> hand_over_splits(const Job& job, const NamedSchedule& named,
                                            const std::vector<int>& candidates) {
  std::vector<HandOverSplit> splits;
  for (const int comm_sms : candidates) {
    Job split = job;
    split.cluster->comm_sms = comm_sms;
    split = with_hand_over(std::move(split));
    const auto evaluation = evaluate(split, named);
    if (!evaluation) continue;
    splits.push_back({comm_sms, *split.cluster->hand_over,
                      sim::hand_over_bytes_per_s(*split.cluster, sim::hand_over_bytes(split)), evaluation->end.step_ns,
                      fits_memory(split, *evaluation)});
  }
  return splits;
}

Job with_best_hand_over(const Job& job, const std::vector<HandOverSplit>& curve) {
  if (curve.empty()) return job;
  const auto key = [](const HandOverSplit& split) {
    return std::tuple(split.fits ? 0 : 1, split.step_ns, split.comm_sms);
  };
  const HandOverSplit& best = *std::ranges::min_element(curve, {}, key);
  Job chosen = job;
  chosen.cluster->comm_sms = best.comm_sms;
  chosen.cluster->hand_over = best.how;
  return chosen;
}

}  // namespace pipeloom::planner
