#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"
#include "planner/evaluate/rank_memory.h"
#include "planner/schedules/schedule_table.h"
#include "sim/cost/overlap_costs.h"
#include "sim/engine/simulate.h"
#include "sim/engine/step_end.h"
#include "sim/report/bubble.h"

namespace pipeloom::planner {

// What a job's step does with one schedule.
struct Evaluation {
  Schedule schedule;
  StepCosts costs;
  Timeline timeline;
  sim::StepEnd end;
  sim::Bubble bubble;
  std::vector<RankMemory> memory;  // [rank]
  int weight_copies = 1;           // ranks of one pipeline that hold the weights of a stage
  double overlap = 0;              // share of all all-to-all that overlapped pairs hide; 0 if there is none

  int fullest_rank() const;
  int64_t peak_memory() const { return memory[fullest_rank()].total(); }
};

// Returns the job as `named` runs it, to be evaluated instead of `job`; or why the schedule can't run it.
Result<Job> job_for(const Job& job, const NamedSchedule& named);

// Evaluates `job` with one named schedule: placement, layers per stage, costs, order, simulation and memory. The error
// says why the schedule can't run it. `slot_order` orders the components inside overlapped pairs and B's. Pure.
Result<Evaluation> evaluate(const Job& job, const NamedSchedule& named,
                            const sim::SlotOrder& slot_order = sim::usual_order);

// Evaluates an order that exists already (a plan's).
Result<Evaluation> evaluate(const Job& job, Schedule schedule, StepCosts costs);

bool fits_memory(const Job& job, const Evaluation& evaluation);

PipelineShape shape_of(const Job& job);
sim::P2pRule p2p_rule_of(const Job& job);

}  // namespace pipeloom::planner
