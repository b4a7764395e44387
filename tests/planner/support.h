#pragma once

#include "core/schedule/schedule.h"
#include "planner/schedules/schedule_table.h"
#include "sim/engine/simulate.h"
#include "sim/report/bubble.h"

namespace pipeloom::tests {

// A named schedule with the same pass times on every stage, asynchronous P2P.
struct SimulatedSchedule {
  Schedule schedule;
  Timeline timeline;
  sim::Bubble bubble;
};

struct UnitTimes {
  int64_t f = 1;
  int64_t i = 1;
  int64_t w = 1;
  int64_t pair = 0;  // 0: F + B
  int64_t link = 0;
};

SimulatedSchedule simulate_named(std::string_view name, const planner::PipelineShape& shape, const UnitTimes& times);

}  // namespace pipeloom::tests
