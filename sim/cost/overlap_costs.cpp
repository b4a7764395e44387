#include "sim/cost/overlap_costs.h"

#include <algorithm>

#include "core/costs/pass_duration.h"
#include "sim/cost/layer_costs.h"

namespace pipeloom::sim {

AllToAllKernel all_to_all_kernel(Component component, SlotKind pass) {
  const bool backward = pass != SlotKind::kF;
  return (component == Component::kDispatch) == backward ? AllToAllKernel::kCombine : AllToAllKernel::kDispatch;
}

std::vector<OverlapStage> overlap_stages(const Job& job, const std::vector<int>& layers_per_stage) {
  const Cluster& cluster = *job.cluster;
  const Contention& contention = cluster.gpu.rates.contention;
  const int sms = cluster.gpu.sms - cluster.comm_sms;
  // DeepSeek's kernels never use the SMs of communication; those of other frameworks do while nothing communicates.
  const LayerCosts alone = layer_costs(job, {job.software ? cluster.gpu.sms : sms});
  const LayerCosts beside[] = {
      layer_costs(job, {sms, contention.products_beside_dispatch, contention.memory_beside_dispatch}),
      layer_costs(job, {sms, contention.products_beside_combine, contention.memory_beside_combine})};
  std::vector<OverlapStage> stages;
  for (const StageSpan& span : stage_spans(layers_per_stage)) {
    OverlapStage& stage = stages.emplace_back();
    stage.alone = stage_program(alone, span);
    for (size_t kernel = 0; kernel < std::size(beside); ++kernel) {
      stage.beside[kernel] = stage_program(beside[kernel], span);
    }
  }
  return stages;
}

std::vector<SlotTask> slot_tasks(const SlotProgram& slot, const OverlapStage& forward, const OverlapStage& backward) {
  const std::vector<int32_t> after = predecessors(slot);
  std::vector<SlotTask> tasks;
  tasks.reserve(slot.size());
  for (const SlotStep& step : slot) {
    const OverlapStage& stage = step.pass == SlotKind::kF ? forward : backward;
    const ComponentCost& cost = stage.alone[step.component];
    SlotTask task;
    task.communication = cost.lane == Lane::kEp;
    task.kernel = all_to_all_kernel(cost.component, step.pass);
    task.after = after[tasks.size()];
    task.alone_ns = pass_duration_ns(cost, step.pass);
    for (size_t kernel = 0; kernel < std::size(task.beside_ns); ++kernel) {
      task.beside_ns[kernel] =
          std::max(task.alone_ns, pass_duration_ns(stage.beside[kernel][step.component], step.pass));
    }
    tasks.push_back(task);
  }
  return tasks;
}

SlotTime time_slot(SlotProgram program, const OverlapStage& forward, const OverlapStage& backward) {
  const SlotTaskTimes times = simulate_slot(slot_tasks(program, forward, backward));
  SlotTime slot;
  for (size_t i = 0; i < program.size(); ++i) {
    program[i].duration_ns = times.end_ns[i] - times.start_ns[i];
    if (program[i].pass == SlotKind::kF) slot.forward_ready_ns = times.end_ns[i];
    if (program[i].pass == SlotKind::kI) slot.input_ready_ns = times.end_ns[i];
  }
  slot.program = std::move(program);
  slot.duration_ns = times.duration_ns;
  slot.hidden_ns = times.overlapped_ns;
  return slot;
}

SlotProgram usual_order(const OverlapStage& forward, const OverlapStage& backward) {
  if (forward.alone.empty()) return backward_program(backward.alone);
  return figure4_program(forward.alone, backward.alone);
}

bool alike(const StageProgram& a, const StageProgram& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](ComponentCost x, const ComponentCost& y) {
    x.layer = y.layer;
    return x == y;
  });
}

namespace {

// A stage that runs alone has all SMs but while a kernel of its own all-to-all is beside it.
OverlapStage own_overlap(const StageProgram& program, const OverlapStage& split) {
  return {program, {split.beside[0], split.beside[1]}};
}

// F, and B in its own order after it.
SlotTime time_in_turn(const OverlapStage& forward, const OverlapStage& backward, const SlotProgram& backward_order) {
  SlotProgram both = forward_program(forward.alone);
  both.insert(both.end(), backward_order.begin(), backward_order.end());
  return time_slot(std::move(both), forward, backward);
}

// [stage] the first stage that is like it: most stages of a model are.
std::vector<size_t> kinds_of(const std::vector<StageProgram>& programs, const std::vector<OverlapStage>& stages) {
  std::vector<size_t> kinds;
  for (size_t stage = 0; stage < programs.size(); ++stage) {
    size_t kind = 0;
    while (!(alike(programs[kind], programs[stage]) && alike(stages[kind].alone, stages[stage].alone))) ++kind;
    kinds.push_back(kind);
  }
  return kinds;
}

}  // namespace

OverlapCosts overlap_costs(const std::vector<StageProgram>& programs, const std::vector<OverlapStage>& stages,
                           const SlotOrder& slot_order) {
  const std::vector<size_t> kinds = kinds_of(programs, stages);
  const size_t count = programs.size();
  OverlapCosts costs;
  const auto store = [&](SlotProgram program) {
    costs.programs.programs.push_back(std::move(program));
    return static_cast<int32_t>(costs.programs.programs.size() - 1);
  };
  for (size_t stage = 0; stage < count; ++stage) {
    if (const size_t kind = kinds[stage]; kind != stage) {
      costs.backward.push_back(costs.backward[kind]);
      costs.programs.of_backward.push_back(costs.programs.of_backward[kind]);
      continue;
    }
    const OverlapStage own = own_overlap(programs[stage], stages[stage]);
    SlotTime slot = time_slot(slot_order({}, own), {}, own);
    costs.backward.push_back({slot.duration_ns, 0, slot.input_ready_ns});
    costs.programs.of_backward.push_back(store(std::move(slot.program)));
  }
  for (size_t f = 0; f < count; ++f) {
    for (size_t b = 0; b < count; ++b) {
      if (const size_t same = kinds[f] * count + kinds[b]; same != f * count + b) {
        costs.pairs.push_back(PairCost(costs.pairs[same]));
        costs.pair_hidden_ns.push_back(int64_t{costs.pair_hidden_ns[same]});
        costs.programs.of_pair.push_back(int32_t{costs.programs.of_pair[same]});
        continue;
      }
      SlotTime slot = time_slot(slot_order(stages[f], stages[b]), stages[f], stages[b]);
      SlotTime in_turn = time_in_turn(own_overlap(programs[f], stages[f]), own_overlap(programs[b], stages[b]),
                                      costs.programs.programs[costs.programs.of_backward[b]]);
      if (in_turn.duration_ns <= slot.duration_ns) slot = std::move(in_turn);
      costs.pairs.push_back({slot.duration_ns, 0, slot.forward_ready_ns, 0, slot.input_ready_ns});
      costs.pair_hidden_ns.push_back(slot.hidden_ns);
      costs.programs.of_pair.push_back(store(std::move(slot.program)));
    }
  }
  return costs;
}

}  // namespace pipeloom::sim
