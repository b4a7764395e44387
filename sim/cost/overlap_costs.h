#pragma once

#include <functional>
#include <vector>

#include "core/costs/component.h"
#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "sim/engine/simulate_slot.h"

namespace pipeloom::sim {

// Which kernel a dispatch or combine launches in F or in I.
AllToAllKernel all_to_all_kernel(Component component, SlotKind pass);

// A stage's components inside slots in which compute and all-to-all overlap: on the SMs that communication leaves, with
// nothing beside them, and with a dispatch or combine kernel beside them all the time.
struct OverlapStage {
  StageProgram alone;
  StageProgram beside[2];  // [AllToAllKernel]
};

// Of every stage, with the job's split of the SMs (cluster.comm_sms). REQUIRES: the job has a model. Pure; O(layers).
std::vector<OverlapStage> overlap_stages(const Job& job, const std::vector<int>& layers_per_stage);

// The steps of a slot as tasks for simulate_slot. F's steps are those of `forward`, I's and W's those of `backward`.
std::vector<SlotTask> slot_tasks(const SlotProgram& slot, const OverlapStage& forward, const OverlapStage& backward);

// A slot as its two lanes run it.
struct SlotTime {
  SlotProgram program;  // with the steps' durations
  int64_t duration_ns = 0;
  int64_t forward_ready_ns = 0;  // the end of F's chain
  int64_t input_ready_ns = 0;    // the end of I's chain
  int64_t hidden_ns = 0;         // communication beside compute
};
SlotTime time_slot(SlotProgram program, const OverlapStage& forward, const OverlapStage& backward);

// Whether two stages differ in the numbers of their layers only.
bool alike(const StageProgram& a, const StageProgram& b);

// In which order the components of F and B of a pair run, or, if the forward stage has no components, those of B alone:
// usual_order, or what a planner finds.
using SlotOrder = std::function<SlotProgram(const OverlapStage& forward, const OverlapStage& backward)>;
// DeepSeek-V3's Figure 4; in B each W follows its I (core/costs/slot_program.h).
SlotProgram usual_order(const OverlapStage& forward, const OverlapStage& backward);

// Slots in which all-to-all overlaps with compute: B of every stage, in which W's run beside it, and the pairs of any
// two; a pair that overlapping would not shorten runs as F and then B.
struct OverlapCosts {
  OverlapPrograms programs;
  std::vector<PassCost> backward;       // [stage]
  std::vector<PairCost> pairs;          // [stage of F][stage of B]
  std::vector<int64_t> pair_hidden_ns;  // of their communication
};
OverlapCosts overlap_costs(const std::vector<StageProgram>& programs, const std::vector<OverlapStage>& stages,
                           const SlotOrder& slot_order);

}  // namespace pipeloom::sim
