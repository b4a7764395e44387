#pragma once

#include <string>

#include "proto/perfetto/tracks.h"

namespace pipeloom::proto {

// The tracks as a Perfetto trace (ui.perfetto.dev): one packet sequence, names interned in its first packet. Tracks of
// ranks stand in their order, slices first, then counters. At most 60 bytes for a slice with a flow in and a flow out
// in steps of up to half a minute.
std::string perfetto_trace(const Tracks& tracks);

}  // namespace pipeloom::proto
