#include "backend/runtime/training/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "backend/model/moments.h"
#include "backend/model/part_memory.h"
#include "backend/runtime/program/replicas.h"
#include "core/base/units.h"

namespace pipeloom::backend {

namespace {

constexpr int64_t kNumber = sizeof(float);

// What the parts of one stage hold for one micro-batch.
struct StageMemory {
  int64_t own = 0;     // numbers of the stage that all replicas share
  int64_t routed = 0;  // and of the rank's experts
  std::map<std::pair<int, Component>, PartMemory> of_part;

  const PartMemory& of(const RankTask& task) const {
    return of_part.at({task.task.key.layer, task.task.key.component});
  }
};

StageMemory stage_memory(const Plan& plan, int stage, const TrainingOptions& options, RoutedTokens routed) {
  const PartShape shape = part_shape(plan.job, 0);
  const int sources = routed == RoutedTokens::kAll ? shape.ep_ranks : std::min(shape.ep_ranks, 2);
  const bool borrows = borrows_token_table(plan, stage);
  const Stage<float> maths(*plan.job.model, plan.costs.programs[stage], shape,
                           arithmetic_for(shape.formats, options.check),
                           borrows ? Stage<float>::Tokens::kBorrowed : Stage<float>::Tokens::kOwn);
  StageMemory memory;
  memory.own = maths.own_size();
  memory.routed = maths.size() - maths.own_size();
  for (const auto& placed : maths.parts()) {
    memory.of_part[{placed.layer, placed.component}] = part_memory(
        placed.component, placed.layer, *plan.job.model, shape, plan.job.batch.tokens(), *placed.part, sources);
  }
  return memory;
}

// Adds up what the tasks of a rank hold, pass after pass; the forward pass of a pair counts first.
class Walk {
 public:
  explicit Walk(const std::map<int, StageMemory>& stages) : stages_(stages) {}

  void take(const RankTask& task) {
    const PartMemory& memory = stages_.at(task.stage).of(task);
    peak_ = std::max(peak_, held_ + memory.workspace + 2 * memory.passing);
    if (task.task.key.pass == SlotKind::kF) held_ += memory.after_forward;
    if (task.task.key.pass == SlotKind::kI) held_ += memory.after_input - memory.after_forward;
    if (task.task.key.pass == SlotKind::kW) held_ -= memory.after_input;
    peak_ = std::max(peak_, held_ + memory.workspace + 2 * memory.passing);
  }
  // A pass W that the program leaves to I.
  void release(const RankTask& task) { held_ -= stages_.at(task.stage).of(task).after_input; }
  int64_t peak() const { return peak_; }

 private:
  const std::map<int, StageMemory>& stages_;
  int64_t held_ = 0;
  int64_t peak_ = 0;
};

bool has_weight_pass(const Plan& plan, const RankTask& task) {
  return std::ranges::any_of(plan.costs.programs[task.stage], [&](const ComponentCost& cost) {
    return cost.layer == task.task.key.layer && cost.component == task.task.key.component && cost.weight_ns > 0;
  });
}

int64_t activation_bytes(const Plan& plan, const RankProgram& program, const std::map<int, StageMemory>& stages) {
  std::vector<const RankTask*> components;
  for (const RankTask& task : program.tasks()) {
    if (task.task.key.kind == TaskKind::kComponent) components.push_back(&task);
  }
  std::ranges::stable_sort(components, {}, [](const RankTask* task) {
    return std::pair(task->task.key.slot, task->task.key.pass == SlotKind::kF ? 0 : 1);
  });
  Walk walk(stages);
  for (const RankTask* task : components) {
    walk.take(*task);
    if (task->task.key.pass == SlotKind::kI && !has_weight_pass(plan, *task)) walk.release(*task);
  }
  return walk.peak();
}

int64_t share(int64_t whole, int64_t shards) {
  return (whole + shards - 1) / shards;
}

// Twice: a message and what is made of it.
int64_t message_numbers(const Plan& plan, const RankProgram& program) {
  std::map<std::pair<int, Direction>, int> receives;
  int sends = 0;
  for (const RankTask& task : program.tasks()) {
    if (task.task.key.kind == TaskKind::kReceive) ++receives[{task.task.peer, task.task.direction}];
    if (task.task.key.kind == TaskKind::kSend) ++sends;
  }
  const int depth = plan.job.p2p.receive_depth;
  int64_t buffers = sends;  // an output waits for a buffer on the other side: at worst all of them
  for (const auto& [queue, count] : receives) buffers += depth == 0 ? count : std::min(count, depth);
  // A stage hands to the next one on the same rank as well.
  buffers += 2 * static_cast<int64_t>(plan.schedule.placement().chunks_of(program.rank()).size());
  return 2 * buffers * plan.job.batch.tokens() * plan.job.model->hidden;
}

}  // namespace

RankMemoryPlan plan_memory(const Plan& plan, const RankProgram& program, const TrainingOptions& options,
                           RoutedTokens routed) {
  const int copies = plan.schedule.placement().pipes() * plan.job.layout.data;
  const int64_t moments = moment_bytes(formats_of(plan.job).moments);
  std::map<int, StageMemory> stages;
  int64_t numbers = 0;
  int64_t optimized = 0;  // by this rank: its share of what several hold (ZeRO-1)
  for (const Chunk& chunk : plan.schedule.placement().chunks_of(program.rank())) {
    if (!stages.contains(chunk.stage)) stages[chunk.stage] = stage_memory(plan, chunk.stage, options, routed);
    const StageMemory& stage = stages[chunk.stage];
    numbers += stage.own + stage.routed;
    optimized += share(stage.own, copies) + share(stage.routed, copies / plan.job.layout.expert);
  }
  const int64_t sum_bytes = options.check ? sizeof(int64_t) : sizeof(float);
  RankMemoryPlan memory;
  memory.states = numbers * (kNumber + sum_bytes) + optimized * moments;
  if (plan.job.ema_decay > 0) memory.states += optimized * kNumber;
  memory.activations = activation_bytes(plan, program, stages);
  memory.messages = message_numbers(plan, program) * kNumber;
  if (copies > 1) memory.reductions = 2 * numbers * sum_bytes;
  if (plan.job.clipping == Clipping::kValidated) memory.reductions += optimized * (kNumber + moments);  // to undo it
  return memory;
}

namespace {

// Of all ranks on one machine.
struct MachineMemory {
  RankMemoryPlan fullest;
  int fullest_rank = 0;
  int64_t need_bytes = 0;
};

MachineMemory machine_memory(const Plan& plan, const TaskGraph& graph, const TrainingOptions& options, int ranks_here,
                             RoutedTokens routed) {
  MachineMemory machine;
  int64_t sum = 0;
  for (int rank = 0; rank < plan.schedule.ranks(); ++rank) {
    const RankMemoryPlan memory = plan_memory(plan, RankProgram(plan.schedule, graph, rank), options, routed);
    sum += memory.total();
    if (memory.total() <= machine.fullest.total()) continue;
    machine.fullest = memory;
    machine.fullest_rank = rank;
  }
  machine.need_bytes = std::min(sum * plan.job.layout.data, machine.fullest.total() * ranks_here);
  return machine;
}

}  // namespace

Result<std::string> check_memory(const Plan& plan, const TaskGraph& graph, const TrainingOptions& options,
                                 int ranks_here, int64_t available_bytes) {
  const MachineMemory most = machine_memory(plan, graph, options, ranks_here, RoutedTokens::kAll);
  if (most.need_bytes <= available_bytes) return std::string();
  const MachineMemory likely = machine_memory(plan, graph, options, ranks_here, RoutedTokens::kTwiceEven);
  if (likely.need_bytes <= available_bytes) {
    return fmt::format(
        "the run may need {} on this machine, which has {} free, if the gate prefers the experts of few "
        "ranks; {} if none of them gets more than twice its even share",
        format_bytes(most.need_bytes), format_bytes(available_bytes), format_bytes(likely.need_bytes));
  }
  const RankMemoryPlan& fullest = likely.fullest;
  return unsupported(
      fmt::format("the run may need {} on this machine, which has {} free: rank {} alone {} (states {}, activations "
                  "{}, messages {}, "
                  "reductions {})",
                  format_bytes(likely.need_bytes), format_bytes(available_bytes), likely.fullest_rank,
                  format_bytes(fullest.total()), format_bytes(fullest.states), format_bytes(fullest.activations),
                  format_bytes(fullest.messages), format_bytes(fullest.reductions)));
}

int64_t available_memory_bytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string name; file >> name;) {
    int64_t kilobytes = 0;
    if (name == "MemAvailable:" && file >> kilobytes) return kilobytes * 1024;
    file.ignore(256, '\n');
  }
  return INT64_MAX;
}

}  // namespace pipeloom::backend
