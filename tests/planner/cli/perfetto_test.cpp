// Perfetto files as protoc reads them with the published field numbers (proto/perfetto/perfetto.proto).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

// What `protoc --decode` prints; it fails where a field is malformed or its number unknown to be of that type.
std::string decoded(const std::string& path) {
  const std::string command = "protoc --decode=perfetto.protos.Trace -I" PIPELOOM_SOURCE " " PIPELOOM_SOURCE
                              "/proto/perfetto/perfetto.proto < " +
                              path + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  std::array<char, 65536> buffer;
  while (const size_t count = fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), count);
  EXPECT_EQ(pclose(pipe), 0) << text.substr(0, 200);
  return text;
}

// The fields of one packet: "track_event.type" -> values, in order.
using Packet = std::multimap<std::string, std::string>;

std::vector<Packet> packets_of(const std::string& text) {
  std::vector<Packet> packets;
  std::vector<std::string> path;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    line.erase(0, line.find_first_not_of(' '));
    if (line == "}") {
      path.pop_back();
    } else if (line.ends_with(" {")) {
      if (path.empty()) packets.emplace_back();
      path.push_back(line.substr(0, line.size() - 2));
    } else {
      const size_t colon = line.find(": ");
      std::string name;
      for (size_t i = 1; i < path.size(); ++i) name += path[i] + ".";
      packets.back().emplace(name + line.substr(0, colon), line.substr(colon + 2));
    }
  }
  return packets;
}

std::optional<std::string> field(const Packet& packet, const std::string& name) {
  const auto found = packet.find(name);
  if (found == packet.end()) return std::nullopt;
  return found->second;
}

std::set<std::string> values(const std::vector<Packet>& packets, const std::string& name) {
  std::set<std::string> all;
  for (const Packet& packet : packets) {
    for (auto [it, end] = packet.equal_range(name); it != end; ++it) all.insert(it->second);
  }
  return all;
}

std::vector<Packet> exported(const std::string& line) {
  const TempFolder folder;
  const std::string path = folder.path("step.pftrace");
  const auto result = run_command(line + " --to perfetto -o " + path);
  EXPECT_EQ(result.code, 0) << result.err;
  return packets_of(decoded(path));
}

const std::string kMoe = "export " PIPELOOM_SOURCE "/samples/tiny-moe.txtpb --schedule dualpipe";

// A slice that is open on a track, or was.
struct OpenSlices {
  std::map<std::string, std::vector<int64_t>> begins;  // [track] of the open ones
  std::map<std::string, int64_t> last;                 // [track] the time of the last event
};

TEST(Perfetto, SlicesNestAndTimesNeverGoBack) {
  for (const std::string& line : {kMoe, std::string("export --schedule zb-v --ranks 4 --micro-batches 9")}) {
    OpenSlices open;
    int64_t last_ns = 0;
    int slices = 0;
    for (const Packet& packet : exported(line)) {
      const auto type = field(packet, "track_event.type");
      if (!type) continue;
      const int64_t time_ns = std::stoll(*field(packet, "timestamp"));
      EXPECT_GE(time_ns, last_ns);
      last_ns = time_ns;
      auto& stack = open.begins[*field(packet, "track_event.track_uuid")];
      if (*type == "TYPE_SLICE_BEGIN") stack.push_back(time_ns);
      if (*type != "TYPE_SLICE_END") continue;
      ASSERT_FALSE(stack.empty()) << "an end without a begin";
      stack.pop_back();
      ++slices;
    }
    EXPECT_GT(slices, 36);
    for (const auto& [track, stack] : open.begins) EXPECT_TRUE(stack.empty()) << track;
  }
}

// Inner slices end before outer ones: a viewer pairs ends with the innermost begin, so the begins alone don't tell.
TEST(Perfetto, ComponentsLieInsideTheirSlots) {
  const auto packets = exported(kMoe);
  std::map<std::string, std::string> names;
  for (const Packet& packet : packets) {
    const auto [iid, iid_end] = packet.equal_range("interned_data.event_names.iid");
    auto name = packet.equal_range("interned_data.event_names.name").first;
    for (auto it = iid; it != iid_end; ++it, ++name) names[it->second] = name->second;
  }
  std::map<std::string, std::vector<std::string>> open;  // [track] names
  int components = 0;
  for (const Packet& packet : packets) {
    const auto type = field(packet, "track_event.type");
    if (!type || *type == "TYPE_COUNTER") continue;
    auto& stack = open[*field(packet, "track_event.track_uuid")];
    if (*type == "TYPE_SLICE_END") {
      stack.pop_back();
      continue;
    }
    const std::string name = names.at(*field(packet, "track_event.name_iid"));
    if (name.find("attention") != std::string::npos) {
      ++components;
      ASSERT_EQ(stack.size(), 1U) << name;
      EXPECT_THAT(stack.back(), testing::HasSubstr("stage"));
    } else {
      EXPECT_TRUE(stack.empty() || name.find("layer") != std::string::npos) << name;
    }
    stack.push_back(name);
  }
  EXPECT_GT(components, 100);
}

TEST(Perfetto, FlowsConnectAndNamesAreInterned) {
  const auto packets = exported("export --schedule 1f1b --ranks 4 --micro-batches 8");
  const auto sources = values(packets, "track_event.flow_ids");
  EXPECT_EQ(sources.size(), 2U * 3 * 8);  // activations and gradients over three boundaries
  EXPECT_EQ(sources, values(packets, "track_event.terminating_flow_ids"));
  const auto iids = values(packets, "interned_data.event_names.iid");
  EXPECT_FALSE(iids.contains("0"));
  for (const std::string& used : values(packets, "track_event.name_iid")) EXPECT_TRUE(iids.contains(used)) << used;
  const auto categories = values(packets, "interned_data.event_categories.iid");
  for (const std::string& used : values(packets, "track_event.category_iids")) EXPECT_TRUE(categories.contains(used));
  EXPECT_EQ(field(packets.front(), "sequence_flags"), "3");
  EXPECT_TRUE(values(packets, "track_event.name").empty());
}

TEST(Perfetto, TracksBubblesAndCountersAreThere) {
  const auto packets = exported("export " PIPELOOM_SOURCE "/samples/deepseek-v3.txtpb --schedule dualpipe");
  const auto tracks = values(packets, "track_descriptor.name");
  for (const char* name : {"\"compute\"", "\"ep\"", "\"dp\"", "\"bubbles\"", "\"p2p to rank 1, activations\"",
                           "\"memory\"", "\"SMs of compute\"", "\"SMs of communication\"", "\"p2p links out\""}) {
    EXPECT_TRUE(tracks.contains(name)) << name;
  }
  EXPECT_EQ(values(packets, "track_descriptor.process.process_name").size(), 16U);
  EXPECT_TRUE(values(packets, "interned_data.event_names.name").contains("\"waits for task\""));
  const auto counts = values(packets, "track_event.counter_value");
  EXPECT_TRUE(counts.contains("112"));  // of 132 SMs, 20 for communication
  EXPECT_TRUE(counts.contains("20"));
}

}  // namespace
}  // namespace pipeloom::tests
