#include "planner/evaluate/rank_memory.h"

#include <algorithm>

#include "sim/cost/memory_counters.h"
#include "sim/report/memory.h"

namespace pipeloom::planner {

namespace {

// Returns the bytes of a rank's posted receive buffers: for each queue that ends there one with blocking P2P, else
// `receive_depth`. A job with software counts them among the temporaries.
int64_t receive_buffer_bytes(const Job& job, const Placement& placement, const StepCosts& costs, int rank) {
  if (!costs.in_bytes() || job.software) return 0;
  const int depth = job.p2p.mode == P2pMode::kBlocking ? 1 : job.p2p.receive_depth;
  int64_t largest = 0;
  for (int c = 0; c < costs.schedule.classes(); ++c) largest = std::max(largest, costs.schedule.message_bytes(c));
  const auto queues = placement.queues();
  const auto into =
      std::count_if(queues.begin(), queues.end(), [&](const auto& queue) { return queue.target == rank; });
  return into * depth * largest;
}

void add_fragmentation(const Job& job, RankMemory& memory) {
  memory.reserve.fragmentation_bytes +=
      sim::fragmentation_bytes(job, memory.lasting(), memory.activations + memory.temporaries);
}

int64_t step_temporaries(const Placement& placement, const StepCosts& costs, int rank) {
  int64_t sum = 0;
  if (costs.temporaries.empty()) return sum;
  for (const Chunk& chunk : placement.chunks_of(rank)) sum += costs.temporaries[chunk.stage].step_bytes;
  return sum;
}

int64_t largest_temporaries(const Placement& placement, const StepCosts& costs, int rank) {
  int64_t largest = 0;
  if (costs.temporaries.empty()) return largest;
  for (const Chunk& chunk : placement.chunks_of(rank)) {
    const StageTemporaries& one = costs.temporaries[chunk.stage];
    largest = std::max({largest, one.backward_bytes, one.embedding_bytes});
  }
  return largest;
}

}  // namespace

RankMemory fixed_memory(const Job& job, const Placement& placement, const StepCosts& costs, int rank) {
  RankMemory held;
  for (const Chunk& chunk : placement.chunks_of(rank)) {
    const StageState& state = costs.states[chunk.stage];
    held.state.weights_bytes += state.weights_bytes;
    held.state.gradients_bytes += state.gradients_bytes;
    held.state.optimizer_bytes += state.optimizer_bytes;
  }
  held.receive_buffers = receive_buffer_bytes(job, placement, costs, rank);
  if (!costs.dummy_gradients_bytes.empty()) held.dummy_gradients = costs.dummy_gradients_bytes[rank];
  held.reserve = costs.reserve;
  return held;
}

// The optimizer's step comes when no micro-batch is alive.
std::vector<RankMemory> rank_memory(const Job& job, const Schedule& schedule, const StepCosts& costs) {
  const std::vector<sim::PeakHeld> peaks = sim::peak_held(schedule, costs.activations, costs.temporaries);
  std::vector<RankMemory> memory;
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    RankMemory held = fixed_memory(job, schedule.placement(), costs, rank);
    const int64_t step = step_temporaries(schedule.placement(), costs, rank);
    const bool step_is_fullest = step > peaks[rank].total();
    held.activations = step_is_fullest ? 0 : peaks[rank].activations;
    held.temporaries = step_is_fullest ? step : peaks[rank].temporaries;
    add_fragmentation(job, held);
    memory.push_back(held);
  }
  return memory;
}

int64_t total_with(const Job& job, const RankMemory& fixed, int64_t activations) {
  RankMemory held = fixed;
  held.activations = activations;
  add_fragmentation(job, held);
  return held.total();
}

int64_t activations_within(const Job& job, const RankMemory& fixed, const Placement& placement, const StepCosts& costs,
                           int rank) {
  const int64_t churn = sim::churn_within(job, memory_limit_bytes(job) - total_with(job, fixed, 0));
  const int64_t passes = churn - largest_temporaries(placement, costs, rank);
  const int64_t step = churn - step_temporaries(placement, costs, rank);
  return step < 0 ? std::min(step, passes) : passes;
}

int64_t memory_limit_bytes(const Job& job) {
  if (!job.model) return 0;
  return job.memory_limit_bytes > 0 ? job.memory_limit_bytes : job.cluster->gpu.memory_bytes;
}

}  // namespace pipeloom::planner
