#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "core/schedule/placement.h"
#include "planner/schedules/zero_bubble.h"

namespace pipeloom::tests {

// The zero-bubble schedules as one list, so that a test can hold all of them against one claim.
struct ZeroBubbleCase {
  std::string name;
  std::string reference;  // its name in tests/data/vectors
  int stages_per_rank = 1;
  int own_limit = 0;  // chunks that a rank may hold, per rank of the pipeline
  Result<Schedule> (*generate)(const planner::PipelineShape&, const planner::ScheduleInputs&) = nullptr;
};

inline void PrintTo(const ZeroBubbleCase& schedule, std::ostream* out) {
  *out << schedule.name;
}

template <Result<Schedule> (*function)(const planner::PipelineShape&)>
Result<Schedule> ignoring_inputs(const planner::PipelineShape& shape, const planner::ScheduleInputs&) {
  return function(shape);
}

inline const std::vector<ZeroBubbleCase>& zero_bubble_cases() {
  static const std::vector<ZeroBubbleCase> cases = {
      {"zb1p", "zb1p_victarry", 1, 1, ignoring_inputs<planner::zb1p>},
      {"zb_h1_quick", "zb_h1_quick", 1, 1, ignoring_inputs<planner::zb_h1_quick>},
      {"zb_h1", "zb_h1", 1, 1, planner::zb_h1},
      {"zb_h2", "zb_h2", 1, 2, planner::zb_h2},
      {"zb_v", "zbv", 2, 2, planner::zb_v},
      {"zb_v_pytorch", "zbv_pytorch", 2, 2, ignoring_inputs<planner::zb_v_pytorch>},
      {"v_half", "v_half", 2, 2, ignoring_inputs<planner::v_half>},
      {"v_min", "v_min", 2, 2, ignoring_inputs<planner::v_min>},
  };
  return cases;
}

}  // namespace pipeloom::tests
