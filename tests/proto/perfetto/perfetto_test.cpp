#include "proto/perfetto/perfetto.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace pipeloom::proto {
namespace {

// The end of a step of half a minute, each with what it receives and what it sends.
Tracks busy_ranks(int ranks, int slices) {
  Tracks tracks;
  tracks.ranks = ranks;
  for (int rank = 0; rank < ranks; ++rank) {
    const uint32_t track = tracks.add_track(rank, "compute");
    for (int i = 0; i < slices; ++i) {
      const int64_t begin_ns = 33'000'000'000 + i * 1'000'000;
      const uint32_t slice = tracks.add_slice(track, fmt::format("F{}", i), "F", begin_ns, begin_ns + 900'000);
      if (rank > 0) tracks.flows.push_back({slice - slices, slice});
    }
  }
  return tracks;
}

TEST(PerfettoSize, ASliceWithItsFlowsTakesAtMostSixtyBytes) {
  const Tracks tracks = busy_ranks(64, 256);
  const std::string trace = perfetto_trace(tracks);
  EXPECT_LE(static_cast<double>(trace.size()) / static_cast<double>(tracks.slices.size()), 60);
  EXPECT_GT(trace.size(), tracks.slices.size() * 40);
}

TEST(PerfettoSize, NothingIsAValidTrace) {
  EXPECT_FALSE(perfetto_trace(Tracks{}).empty());
}

// A slice that ends where the next begins: the end comes first, or the next would lie inside it.
TEST(Perfetto, EndsComeBeforeBeginsOfTheSameTime) {
  Tracks tracks;
  tracks.ranks = 1;
  const uint32_t track = tracks.add_track(0, "compute");
  tracks.add_slice(track, "a", "F", 0, 10);
  tracks.add_slice(track, "b", "F", 10, 10);
  tracks.add_slice(track, "c", "F", 10, 20);
  const std::string trace = perfetto_trace(tracks);
  std::string types;  // TrackEvent.type: field 9, a varint, is followed by the name's or the track's number
  for (size_t i = 0; i + 2 < trace.size(); ++i) {
    if (trace[i] == 0x48 && (trace[i + 1] == 1 || trace[i + 1] == 2)) types += trace[i + 1] == 1 ? 'B' : 'E';
  }
  EXPECT_EQ(types, "BEBEBE");
}

}  // namespace
}  // namespace pipeloom::proto
