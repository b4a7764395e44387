#include "planner/evaluate/evaluate.h"

#include <algorithm>
#include <optional>

#include "planner/evaluate/partition.h"
#include "sim/cost/job_costs.h"
#include "sim/report/memory.h"

namespace pipeloom::planner {

namespace {

// Returns the bytes of a rank's posted receive buffers: for each queue that ends there one with blocking P2P, else
// `receive_depth`.
int64_t receive_buffer_bytes(const Job& job, const Placement& placement, const StepCosts& costs, int rank) {
  if (!costs.in_bytes()) return 0;
  const int depth = job.p2p.mode == P2pMode::kBlocking ? 1 : job.p2p.receive_depth;
  int64_t largest = 0;
  for (int c = 0; c < costs.schedule.classes(); ++c) largest = std::max(largest, costs.schedule.message_bytes(c));
  const auto queues = placement.queues();
  const auto into =
      std::count_if(queues.begin(), queues.end(), [&](const auto& queue) { return queue.target == rank; });
  return into * depth * largest;
}

// Returns what a rank holds with any order.
RankMemory fixed_memory(const Job& job, const Placement& placement, const StepCosts& costs, int rank) {
  RankMemory held;
  for (const Chunk& chunk : placement.chunks_of(rank)) {
    const StageState& state = costs.states[chunk.stage];
    held.state.weights_bytes += state.weights_bytes;
    held.state.gradients_bytes += state.gradients_bytes;
    held.state.optimizer_bytes += state.optimizer_bytes;
  }
  held.receive_buffers = receive_buffer_bytes(job, placement, costs, rank);
  held.reserve = costs.reserve;
  return held;
}

std::vector<RankMemory> rank_memory(const Job& job, const Schedule& schedule, const StepCosts& costs) {
  const std::vector<int64_t> activations = sim::peak_activations(schedule, costs.activations);
  std::vector<RankMemory> memory;
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    memory.push_back(fixed_memory(job, schedule.placement(), costs, rank));
    memory.back().activations = activations[rank];
  }
  return memory;
}

double hidden_share(const Schedule& schedule, const StepCosts& costs) {
  int64_t total_ns = 0;
  int64_t hidden_ns = 0;
  for (const Slot& slot : schedule.slots()) {
    if (slot.has_forward()) total_ns += costs.communication[slot.stage].forward_ns;
    if (slot.has_input_backward()) total_ns += costs.communication[slot.backward_pass_stage()].backward_ns;
    if (slot.kind == SlotKind::kFB && !costs.pair_hidden_ns.empty()) {
      hidden_ns += costs.pair_hidden_ns[static_cast<size_t>(slot.stage) * schedule.stages() + slot.backward_stage];
    }
  }
  return total_ns == 0 ? 0 : static_cast<double>(hidden_ns) / static_cast<double>(total_ns);
}

// True if `a` is better: an evaluation that fits the memory wins, then the shorter step.
bool better(const Job& job, const Evaluation& a, const Evaluation& b) {
  const auto key = [&](const Evaluation& evaluation) {
    return std::pair(fits_memory(job, evaluation) ? 0 : 1, evaluation.end.step_ns);
  };
  return key(a) < key(b);
}

}  // namespace

int Evaluation::fullest_rank() const {
  const auto fullest = std::max_element(memory.begin(), memory.end(),
                                        [](const RankMemory& a, const RankMemory& b) { return a.total() < b.total(); });
  return static_cast<int>(fullest - memory.begin());
}

int64_t memory_limit_bytes(const Job& job) {
  if (!job.model) return 0;
  return job.memory_limit_bytes > 0 ? job.memory_limit_bytes : job.cluster->gpu.memory_bytes;
}

int64_t fixed_memory_bytes(const Job& job, const Placement& placement, const StepCosts& costs, int rank) {
  return fixed_memory(job, placement, costs, rank).total();
}

PipelineShape shape_of(const Job& job) {
  return {job.layout.pipeline, job.micro_batches,       job.schedule.chunks,
          job.schedule.group,  job.schedule.pipe_pairs, job.schedule.waves};
}

sim::P2pRule p2p_rule_of(const Job& job) {
  return {job.p2p.mode, job.p2p.receive_depth};
}

Result<Evaluation> evaluate(const Job& job, Schedule schedule, StepCosts costs) {
  PIPELOOM_TRY(Timeline timeline, sim::simulate(schedule, costs.schedule, p2p_rule_of(job)));
  sim::StepEnd end = sim::step_end(schedule, timeline, costs, job.clipping);
  sim::Bubble bubble = sim::measure_bubble(schedule, timeline);
  std::vector<RankMemory> memory = rank_memory(job, schedule, costs);
  const int copies = schedule.placement().pipes();
  const double overlap = hidden_share(schedule, costs);
  return Evaluation{std::move(schedule),
                    std::move(costs),
                    std::move(timeline),
                    std::move(end),
                    std::move(bubble),
                    std::move(memory),
                    copies,
                    overlap};
}

Result<Evaluation> evaluate(const Job& job, const NamedSchedule& named, const sim::SlotOrder& slot_order) {
  const PipelineShape shape = shape_of(job);
  PIPELOOM_TRY(const Placement placement, named.placement(shape));
  std::vector<std::vector<int>> worth_trying = {{}};
  if (job.model) {
    PIPELOOM_TRY(worth_trying, partitions(job, placement));
  }
  std::optional<Evaluation> best;
  for (std::vector<int>& layers_per_stage : worth_trying) {
    PIPELOOM_TRY(StepCosts costs, sim::step_costs(job, placement, std::move(layers_per_stage), slot_order));
    // Checked before there is a schedule, because heuristics add up times: F, I and W of every micro-batch on every
    // stage.
    PIPELOOM_RETURN_IF_ERROR(costs.schedule.check_step_of(int64_t{3} * placement.stages() * shape.micro_batches));
    PIPELOOM_TRY(Schedule schedule, named.generate(shape, {costs.schedule, costs.activations, 0}));
    PIPELOOM_TRY(Evaluation evaluation, evaluate(job, std::move(schedule), std::move(costs)));
    if (!best || better(job, evaluation, *best)) best = std::move(evaluation);
  }
  return std::move(*best);
}

Result<Job> job_for(const Job& job, const NamedSchedule& named) {
  if (!job.model || named.adapt == nullptr) return job;
  return named.adapt(job);
}

bool fits_memory(const Job& job, const Evaluation& evaluation) {
  const int64_t limit = memory_limit_bytes(job);
  return limit == 0 || evaluation.peak_memory() <= limit;
}

}  // namespace pipeloom::planner
