// Chakra files, read and replayed by a small reader of our own, which knows protobuf's encoding and Chakra's field
// numbers and nothing of Pipeloom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

using ::testing::HasSubstr;

uint64_t take_varint(std::string_view* bytes) {
  uint64_t value = 0;
  for (int shift = 0; !bytes->empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes->front());
    bytes->remove_prefix(1);
    value |= uint64_t{byte & 127U} << shift;
    if (byte < 128) return value;
  }
  ADD_FAILURE() << "cut off";
  return value;
}

struct Field {
  uint64_t number = 0;
  uint64_t value = 0;
  std::string_view bytes;
};

std::vector<Field> fields_of(std::string_view message) {
  std::vector<Field> fields;
  while (!message.empty()) {
    const uint64_t tag = take_varint(&message);
    Field field;
    field.number = tag >> 3;
    field.value = take_varint(&message);
    if ((tag & 7) == 2) {
      field.bytes = message.substr(0, field.value);
      message.remove_prefix(field.value);
    } else {
      EXPECT_EQ(tag & 7, 0U);
    }
    fields.push_back(field);
  }
  return fields;
}

struct Attribute {
  uint64_t member = 0;  // of the oneof: its field number
  uint64_t value = 0;
  std::string text;
};

struct Node {
  uint64_t id = 0;
  std::string name;
  uint64_t type = 0;
  uint64_t micros = 0;
  std::vector<uint64_t> deps;
  std::map<std::string, Attribute> attributes;
};

Node node_of(std::string_view message) {
  Node node;
  for (const Field& field : fields_of(message)) {
    if (field.number == 1) node.id = field.value;
    if (field.number == 2) node.name = field.bytes;
    if (field.number == 3) node.type = field.value;
    if (field.number == 7) node.micros = field.value;
    if (field.number == 5) {  // packed
      std::string_view packed = field.bytes;
      while (!packed.empty()) node.deps.push_back(take_varint(&packed));
    }
    if (field.number != 10) continue;
    std::string name;
    Attribute attribute;
    for (const Field& part : fields_of(field.bytes)) {
      if (part.number == 1) {
        name = part.bytes;
      } else {
        attribute = {part.number, part.value, std::string(part.bytes)};
      }
    }
    node.attributes[name] = attribute;
  }
  return node;
}

std::vector<Node> nodes_of(const std::string& content) {
  std::vector<Node> nodes;
  std::string_view rest = content;
  bool first = true;
  while (!rest.empty()) {
    const uint64_t size = take_varint(&rest);
    EXPECT_GT(size, 0U) << "a message of no bytes ends the file for some readers";
    if (!first) nodes.push_back(node_of(rest.substr(0, size)));
    first = false;
    rest.remove_prefix(size);
  }
  return nodes;
}

constexpr uint64_t kComp = 4, kSend = 5, kReceive = 6, kCollective = 7;

using Ranks = std::vector<std::vector<Node>>;

Ranks exported(const std::string& line, int ranks) {
  const TempFolder folder;
  const std::string target = folder.path("et");
  const auto result = run_command(line + " --to chakra -o " + target);
  EXPECT_EQ(result.code, 0) << result.err;
  Ranks all;
  for (int rank = 0; rank < ranks; ++rank) {
    all.push_back(nodes_of(content_of(target + "/step." + std::to_string(rank) + ".et")));
  }
  const auto groups = nlohmann::json::parse(content_of(target + "/comm_groups.json"));
  EXPECT_EQ(groups.size(), ranks);
  for (int rank = 0; rank < ranks; ++rank) EXPECT_EQ(groups[std::to_string(rank + 1)], std::vector<int>{rank});
  return all;
}

// As ASTRA-sim's replay: a node starts when its dependencies have ended; one COMP, one collective at a time on each
// rank, in order of ids; a receive ends with its send. Transfers take no time.
class Replay {
 public:
  explicit Replay(const Ranks& ranks) : ranks_(ranks), end_(ranks.size()), free_(ranks.size()) {}

  uint64_t makespan() {
    for (bool progress = true; progress;) {
      progress = false;
      for (size_t rank = 0; rank < ranks_.size(); ++rank) {
        for (const Node& node : ranks_[rank]) {
          if (!end_[rank].contains(node.id) && run(rank, node)) progress = true;
        }
      }
    }
    uint64_t last = 0;
    for (size_t rank = 0; rank < ranks_.size(); ++rank) {
      EXPECT_EQ(end_[rank].size(), ranks_[rank].size()) << "rank " << rank << " hangs";
      for (const auto& [id, time] : end_[rank]) last = std::max(last, time);
    }
    return last;
  }

 private:
  bool run(size_t rank, const Node& node) {
    uint64_t start = 0;
    for (const uint64_t dep : node.deps) {
      const auto ended = end_[rank].find(dep);
      if (ended == end_[rank].end()) return false;
      start = std::max(start, ended->second);
    }
    const auto value = [&](const char* name) { return node.attributes.at(name).value; };
    if (node.type == kSend || node.type == kReceive) {
      const auto message = std::tuple(value("comm_src"), value("comm_dst"), value("comm_tag"), value("comm_size"));
      if (node.type == kSend) {
        EXPECT_TRUE(sent_.try_emplace(message, start).second) << "two sends with the same tag";
      } else {
        const auto sent = sent_.find(message);
        if (sent == sent_.end()) return false;
        start = std::max(start, sent->second);
      }
      end_[rank][node.id] = start;
      return true;
    }
    uint64_t& free = free_[rank][node.type];
    end_[rank][node.id] = free = std::max(free, start) + node.micros;
    return true;
  }

  const Ranks& ranks_;
  std::vector<std::map<uint64_t, uint64_t>> end_;   // [rank][id]
  std::vector<std::map<uint64_t, uint64_t>> free_;  // [rank][type]
  std::map<std::tuple<uint64_t, uint64_t, uint64_t, uint64_t>, uint64_t> sent_;
};

TEST(Chakra, OneFOneBTakesTheFormulasTime) {
  for (const auto& [ranks, micro_batches] : {std::pair(2, 4), std::pair(4, 8), std::pair(8, 5)}) {
    const Ranks files = exported("export --schedule 1f1b --times F=1,B=2 --ranks " + std::to_string(ranks) +
                                     " --micro-batches " + std::to_string(micro_batches),
                                 ranks);
    EXPECT_EQ(Replay(files).makespan(), static_cast<uint64_t>(micro_batches + ranks - 1) * 3000);
  }
}

TEST(Chakra, AnotherSchedulesReplayTakesWhatIsPredicted) {
  const std::string job = "--schedule zb-h1 --times F=2,I=1,W=1 --ranks 4 --micro-batches 9";
  const double predicted = run_command("simulate --json " + job).json()["makespan"];
  EXPECT_DOUBLE_EQ(static_cast<double>(Replay(exported("export " + job, 4)).makespan()) / 1000, predicted);
}

// The members of AttributeProto's oneof that ASTRA-sim's old feeder reads; it takes any other as 0. Both throw where
// one is missing.
TEST(Chakra, AttributesHaveTheTypesThatBothFeedersRead) {
  const std::map<std::string, uint64_t> member_of = {{"is_cpu_op", 27}, {"num_ops", 9},   {"tensor_size", 13},
                                                     {"comm_type", 9},  {"comm_size", 9}, {"comm_src", 7},
                                                     {"comm_dst", 7},   {"comm_tag", 7},  {"pg_name", 29}};
  const std::map<uint64_t, std::set<std::string>> needed = {
      {kComp, {"is_cpu_op", "num_ops", "tensor_size"}},
      {kSend, {"is_cpu_op", "comm_size", "comm_src", "comm_dst", "comm_tag"}},
      {kReceive, {"is_cpu_op", "comm_size", "comm_src", "comm_dst", "comm_tag"}},
      {kCollective, {"is_cpu_op", "comm_type", "comm_size", "pg_name"}}};
  const Ranks files = exported("export " + sample("tiny-moe") + " --schedule dualpipe", 4);
  std::set<uint64_t> types;
  for (uint64_t rank = 0; rank < files.size(); ++rank) {
    for (const Node& node : files[rank]) {
      types.insert(node.type);
      std::set<std::string> names;
      for (const auto& [name, attribute] : node.attributes) {
        EXPECT_EQ(attribute.member, member_of.at(name)) << name;
        names.insert(name);
      }
      EXPECT_EQ(names, needed.at(node.type));
      if (node.type == kSend) {
        EXPECT_EQ(node.attributes.at("comm_src").value, rank);
      }
      if (node.type == kReceive) {
        EXPECT_EQ(node.attributes.at("comm_dst").value, rank);
      }
    }
  }
  EXPECT_EQ(types, (std::set<uint64_t>{kComp, kSend, kReceive, kCollective}));
}

TEST(Chakra, IdsFollowTheProgramsOrder) {
  for (const auto& nodes : exported("export " + sample("tiny-moe") + " --schedule dualpipe", 4)) {
    int last_slot = 0;
    for (size_t i = 0; i < nodes.size(); ++i) {
      EXPECT_EQ(nodes[i].id, i);
      for (const uint64_t dep : nodes[i].deps) EXPECT_LT(dep, i);
      const size_t mark = nodes[i].name.find("slot ");
      if (mark == std::string::npos) continue;  // after all slots
      const int slot = std::stoi(nodes[i].name.substr(mark + 5));
      EXPECT_GE(slot, last_slot) << nodes[i].name;
      last_slot = slot;
    }
  }
}

TEST(Chakra, AFolderAppearsWholeOrNotAtAll) {
  const TempFolder folder;
  const std::string line = "export --schedule 1f1b --ranks 2 --micro-batches 2 --to chakra";
  EXPECT_THAT(run_command(line).err, HasSubstr("give a new folder with -o"));
  std::filesystem::create_directory(folder.path("there"));
  EXPECT_THAT(run_command(line + " -o " + folder.path("there")).err, HasSubstr("it exists; name a new folder"));
  EXPECT_EQ(run_command(line + " -o " + folder.path("no/such/place")).code, 1);
  EXPECT_EQ(folder.listing(), "there");
  EXPECT_EQ(run_command(line + " -o " + folder.path("et/")).code, 0);
  EXPECT_EQ(folder.listing(), "et there");
}

}  // namespace
}  // namespace pipeloom::tests
