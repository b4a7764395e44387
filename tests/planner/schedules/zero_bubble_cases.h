#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "core/placement.h"
#include "planner/schedules/zero_bubble.h"

namespace pipeloom::tests {

// The zero-bubble schedules as one list, so that a test can hold all of them against one claim.
struct ZeroBubbleCase {
  std::string name;
  std::string reference;  // its name in tests/data/vectors
  int stages_per_rank = 1;
  int own_limit = 0;  // chunks that a rank may hold, per rank of the pipeline
  Result<Schedule> (*generate)(const PipelineShape&, const ScheduleInputs&) = nullptr;
};

inline void PrintTo(const ZeroBubbleCase& schedule, std::ostream* out) {
  *out << schedule.name;
}

template <Result<Schedule> (*function)(const PipelineShape&)>
Result<Schedule> ignoring_inputs(const PipelineShape& shape, const ScheduleInputs&) {
  return function(shape);
}

inline const std::vector<ZeroBubbleCase>& zero_bubble_cases() {
  static const std::vector<ZeroBubbleCase> cases = {
      {"zb1p", "zb1p_victarry", 1, 1, ignoring_inputs<zb1p>},
      {"zb_h1_quick", "zb_h1_quick", 1, 1, ignoring_inputs<zb_h1_quick>},
      {"zb_h1", "zb_h1", 1, 1, zb_h1},
      {"zb_h2", "zb_h2", 1, 2, zb_h2},
      {"zb_v", "zbv", 2, 2, zb_v},
      {"zb_v_pytorch", "zbv_pytorch", 2, 2, ignoring_inputs<zb_v_pytorch>},
      {"v_half", "v_half", 2, 2, ignoring_inputs<v_half>},
      {"v_min", "v_min", 2, 2, ignoring_inputs<v_min>},
  };
  return cases;
}

}  // namespace pipeloom::tests
