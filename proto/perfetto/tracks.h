#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/string_table.h"

namespace pipeloom::proto {

enum class CounterUnit : uint8_t { kBytes, kCount };

// What a viewer of traces shows: a group of tracks per rank, slices on tracks, counters, arrows from slice to slice.
// Slices of one track are added in the order of their begins, an outer one before those inside it; they nest.
struct Tracks {
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Slice {
    uint32_t track = 0;
    uint32_t name = 0;        // `names`
    uint32_t category = 0;    // `categories`
    uint32_t detail = kNone;  // `details`: what is known of it besides
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
  };
  struct Counter {
    std::string name;
    uint32_t rank = 0;
    CounterUnit unit = CounterUnit::kCount;
    std::string unit_name = "";  // of kCount: "GB/s"
    int64_t divisor = 1;         // what is shown is value / divisor
  };
  struct Sample {
    uint32_t counter = 0;
    int64_t time_ns = 0;
    int64_t value = 0;
  };
  struct Track {
    std::string name;
    uint32_t rank = 0;
  };
  struct Flow {
    uint32_t from = 0;  // slices
    uint32_t to = 0;
  };

  int ranks = 0;
  std::vector<Track> tracks;
  std::vector<Counter> counters;
  std::vector<Slice> slices;
  std::vector<Sample> samples;  // of one counter in order of time
  std::vector<Flow> flows;
  StringTable names;
  StringTable categories;
  StringTable details;

  uint32_t add_track(uint32_t rank, std::string name);
  uint32_t add_counter(Counter counter);
  // The number of the slice, for flows.
  uint32_t add_slice(uint32_t track, std::string_view name, std::string_view category, int64_t begin_ns,
                     int64_t end_ns);
};

}  // namespace pipeloom::proto
