#pragma once

#include "planner/schedules/v_grid.h"

namespace pipeloom::planner {

// Moves passes to earlier free slots, one after the other, where their inputs allow it and the rank does not come to
// hold more than the fullest rank held before. From the first I on the way up on rank 0 to the last F down nothing
// moves, and without W in the grid nothing before that either. Without W in the grid, a free slot counts as the W of an
// I before it.
void reorder(VGrid& grid);

}  // namespace pipeloom::planner
