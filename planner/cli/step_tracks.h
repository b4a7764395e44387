#pragma once

#include "planner/subject/subject.h"
#include "proto/perfetto/tracks.h"

namespace pipeloom::planner {

// A subject's step as tracks: for each rank its slots with their components, its all-to-all, its transfers, its
// gradient reductions, its bubbles with their cause; counters of its memory, of the SMs that compute and communication
// have, and of what its links carry; an arrow for each hand-over between ranks.
proto::Tracks step_tracks(const Subject& subject);

}  // namespace pipeloom::planner
