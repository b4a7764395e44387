#pragma once

#include "core/base/result.h"
#include "core/schedule/placement.h"
#include "planner/schedules/shape.h"

namespace pipeloom::planner {

constexpr int kDefaultChunks = 2;  // the smallest number that interleaves

// Placements of the named schedules. Each function checks the whole shape first, so a schedule checks only its own
// rules.
Result<Placement> linear_placement(const PipelineShape& shape);
Result<Placement> looped_placement(const PipelineShape& shape);
Result<Placement> v_placement(const PipelineShape& shape);
Result<Placement> wave_placement(const PipelineShape& shape);
Result<Placement> dualpipe_placement(const PipelineShape& shape);
Result<Placement> chimera_placement(const PipelineShape& shape);

}  // namespace pipeloom::planner
