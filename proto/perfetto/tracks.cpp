#include "proto/perfetto/tracks.h"

#include <utility>

namespace pipeloom::proto {

uint32_t Tracks::add_track(uint32_t rank, std::string name) {
  tracks.push_back({std::move(name), rank});
  return static_cast<uint32_t>(tracks.size() - 1);
}

uint32_t Tracks::add_counter(Counter counter) {
  counters.push_back(std::move(counter));
  return static_cast<uint32_t>(counters.size() - 1);
}

uint32_t Tracks::add_slice(uint32_t track, std::string_view name, std::string_view category, int64_t begin_ns,
                           int64_t end_ns) {
  slices.push_back({track, names.number_of(name), categories.number_of(category), kNone, begin_ns, end_ns});
  return static_cast<uint32_t>(slices.size() - 1);
}

}  // namespace pipeloom::proto
