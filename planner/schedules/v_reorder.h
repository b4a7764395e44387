#pragma once

#include "planner/schedules/v_grid.h"

namespace pipeloom::planner {

// Moves passes to earlier free slots, one after the other, if their inputs allow it and the rank does not come to hold
// more than the fullest rank held before. Nothing moves between the first I on the way up on rank 0 and the last F
// down. If the grid has no W's, nothing before that moves either, and a free slot counts as the W of an I before it.
void reorder(VGrid& grid);

}  // namespace pipeloom::planner
