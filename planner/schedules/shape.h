#pragma once

namespace pipeloom::planner {

// What a named schedule is asked for. A schedule ignores options that it does not have, and refuses values that it
// can't have (a V has two chunks per rank).
struct PipelineShape {
  int ranks = 1;
  int micro_batches = 1;  // over the whole step, all pipes together
  int chunks = 0;         // chunks on each rank, for looped placements; 0: the schedule's default
  int group = 0;          // micro-batches that pass one chunk in a row (interleaved); 0: the schedule's default
  int pipe_pairs = 1;     // Chimera's f
  int waves = 1;          // Hanayo's W
};

}  // namespace pipeloom::planner
