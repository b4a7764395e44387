#include "planner/overlap/split.h"

#include <algorithm>
#include <map>

#include "planner/overlap/slot_order_search.h"
#include "sim/cost/layer_costs.h"

namespace pipeloom::planner {

namespace {

// Returns the all-to-all of every pass, summed over all layers.
int64_t all_to_all_ns(const Job& job) {
  int64_t sum_ns = 0;
  for (const StageProgram& layer : sim::layer_costs(job, {job.cluster->compute_sms()}).layers) {
    for (const ComponentCost& part : layer) {
      if (part.lane == Lane::kEp) sum_ns += part.forward_ns + part.input_ns;
    }
  }
  return sum_ns;
}

Job with_split(Job job, int comm_sms, int piece_tokens) {
  job.cluster->comm_sms = comm_sms;
  job.cluster->comm_piece_tokens = piece_tokens;
  return job;
}

Job with_best_pieces(const Job& job, int comm_sms) {
  Job best = with_split(job, comm_sms, job.cluster->comm_piece_tokens);
  int64_t least_ns = all_to_all_ns(best);
  for (const int tokens : {4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 64}) {
    Job tried = with_split(job, comm_sms, tokens);
    const int64_t ns = all_to_all_ns(tried);
    if (ns >= least_ns) continue;
    least_ns = ns;
    best = std::move(tried);
  }
  return best;
}

// Fills in how much all-to-all the most frequent pair hides and exposes.
void fill_pair(const Evaluation& evaluation, SplitPoint& point) {
  const Schedule& schedule = evaluation.schedule;
  const StepCosts& costs = evaluation.costs;
  std::map<size_t, int> runs;
  for (const Slot& slot : schedule.slots()) {
    if (slot.kind == SlotKind::kFB) ++runs[static_cast<size_t>(slot.stage) * schedule.stages() + slot.backward_stage];
  }
  if (runs.empty() || costs.pair_hidden_ns.empty()) return;
  const auto most =
      std::max_element(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  const size_t f = most->first / schedule.stages();
  const size_t b = most->first % schedule.stages();
  const int64_t all_ns = costs.communication[f].forward_ns + costs.communication[b].backward_ns;
  point.hidden_ns = costs.pair_hidden_ns[most->first];
  point.exposed_ns = std::max<int64_t>(0, all_ns - point.hidden_ns);
}

}  // namespace

SlotProgram searched_order(const sim::OverlapStage& forward, const sim::OverlapStage& backward) {
  return search_slot_order(forward, backward).program;
}

std::vector<int> candidate_splits(const Cluster& cluster) {
  constexpr int kFewest = 4;
  constexpr int kMost = 40;           // 20 saturate IB and NVLink (docs/research/costs.md, section 6)
  constexpr int kLeftForCompute = 8;  // keeps some SMs for compute
  std::vector<int> splits;
  for (int sms = kFewest; sms <= std::min(kMost, cluster.gpu.sms - kLeftForCompute); ++sms) splits.push_back(sms);
  return splits;
}

std::vector<SplitPoint> split_curve(const Job& job, const NamedSchedule& named, const std::vector<int>& candidates) {
  std::vector<SplitPoint> curve;
  for (const int comm_sms : candidates) {
    const Job split = with_best_pieces(job, comm_sms);
    const auto evaluation = evaluate(split, named);
    if (!evaluation) continue;
    SplitPoint point = {comm_sms, split.cluster->comm_piece_tokens, evaluation->end.step_ns, 0,
                        0,        fits_memory(split, *evaluation)};
    fill_pair(*evaluation, point);
    curve.push_back(point);
  }
  return curve;
}

Job with_best_split(const Job& job, const std::vector<SplitPoint>& curve) {
  if (curve.empty()) return job;
  const auto better = [&](const SplitPoint& a, const SplitPoint& b) {
    const auto key = [&](const SplitPoint& p) {
      return std::tuple(p.fits ? 0 : 1, p.step_ns, p.comm_sms == job.cluster->comm_sms ? 0 : 1, p.comm_sms);
    };
    return key(a) < key(b);
  };
  const SplitPoint& best = *std::min_element(curve.begin(), curve.end(), better);
  return with_split(job, best.comm_sms, best.piece_tokens);
}

}  // namespace pipeloom::planner
