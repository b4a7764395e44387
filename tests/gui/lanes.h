#pragma once

#include <cstdint>

#include "gui/timeline/picture.h"

namespace pipeloom::tests {

// `spans` busy spans of random looks and lengths on one lane with an idle share of about `idle`. Same seed, same lane.
gui::PictureLane random_lane(size_t spans, double idle, uint32_t seed);
// The share of [begin, end) in which nothing runs, exactly.
double idle_share(const gui::PictureLane& lane, int64_t begin_ns, int64_t end_ns);
int64_t end_of(const gui::PictureLane& lane);
// A picture of such lanes, one per rank.
gui::Picture random_picture(int lanes, size_t spans_per_lane);

}  // namespace pipeloom::tests
