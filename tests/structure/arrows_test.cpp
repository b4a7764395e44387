// Holds the house to its map: which room (sub-folder) may include which. docs/architecture.md draws the same map.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/structure/source_tree.h"

namespace pipeloom::tests {
namespace {

using Arrows = std::map<std::string, std::set<std::string>>;

// Room -> what it may include. A name without its own row stands for every room below it ("core", "sim").
const Arrows kMayInclude = {
    {"core/base", {}},
    {"core/schedule", {"core/base"}},
    {"core/costs", {"core/base", "core/schedule"}},
    {"core/job", {"core/base", "core/costs", "core/schedule"}},
    {"core/tasks", {"core/base", "core/costs", "core/job", "core/schedule"}},
    {"core/scene", {"core/base", "core/schedule"}},

    {"sim/engine", {"core"}},
    {"sim/cost", {"core", "sim/engine"}},
    {"sim/robust", {"core", "sim/engine"}},
    {"sim/report", {"core", "sim/cost", "sim/engine", "sim/robust"}},

    {"planner/schedules", {"core"}},
    {"planner/evaluate", {"core", "planner/schedules", "sim"}},
    {"planner/overlap", {"core", "planner/evaluate", "planner/schedules", "sim"}},
    {"planner/subject", {"core", "planner/evaluate", "planner/overlap", "planner/schedules", "sim"}},
    {"planner/search", {"core", "planner/evaluate", "planner/overlap", "planner/schedules", "sim"}},
    {"planner/layout", {"core", "planner/evaluate", "planner/schedules", "planner/search", "sim"}},
    {"planner/robust", {"core", "planner/evaluate", "planner/search", "planner/subject", "sim"}},
    {"planner/diff", {"core", "sim"}},
    {"planner/interchange", {"core", "planner/diff", "planner/evaluate", "planner/subject", "sim"}},
    {"planner/validate", {"core", "planner/evaluate", "sim"}},
    {"planner/app",
     {"core", "planner/diff", "planner/evaluate", "planner/interchange", "planner/layout", "planner/overlap",
      "planner/robust", "planner/schedules", "planner/search", "planner/subject", "planner/validate", "proto", "sim"}},
    {"planner/cli",
     {"core", "planner/app", "planner/diff", "planner/evaluate", "planner/interchange", "planner/overlap",
      "planner/schedules", "planner/subject", "planner/validate", "proto", "sim"}},

    {"proto/base", {"core"}},
    {"proto/huggingface", {"core", "proto/base"}},
    {"proto/job", {"core", "proto/base", "proto/huggingface"}},
    {"proto/plan", {"core", "proto/base", "proto/job"}},
    {"proto/trace", {"core", "proto/base"}},
    {"proto/torch", {"core", "proto/base"}},
    {"proto/kineto", {"core", "proto/base", "proto/torch"}},
    {"proto/megatron", {"core", "proto/base"}},
    {"proto/published", {"core"}},
    {"proto/perfetto", {"proto/base"}},
    {"proto/chakra", {"core"}},
    {"proto/chrome", {"core"}},
    {"proto/manual", {"core", "proto/base"}},
    {"proto/svg", {"core"}},

    {"backend/model", {"core"}},
    {"backend/transport", {"core"}},
    {"backend/transport/mpi", {"backend/transport", "core"}},
    {"backend/transport/tcp", {"backend/transport", "core"}},
    {"backend/runtime/program", {"backend/transport", "core"}},
    {"backend/runtime/messages", {"backend/model", "backend/runtime/program", "backend/transport", "core"}},
    {"backend/runtime/training",
     {"backend/model", "backend/runtime/messages", "backend/runtime/program", "backend/transport", "core"}},
    {"backend/runtime/paced", {"backend/runtime/messages", "backend/runtime/program", "backend/transport", "core"}},
    {"backend/device/kernels", {"backend/model", "core"}},
    {"backend/device/comm", {"backend/device/kernels", "core"}},
    {"backend/device/products", {"backend/device/kernels", "backend/model", "core"}},
    {"backend/device/program", {"backend/device/kernels", "backend/runtime/program", "core"}},
    {"backend/device/setup", {"core"}},
    {"backend/device/tuning", {"core"}},
    {"backend/device/measure",
     {"backend/device/comm", "backend/device/kernels", "backend/device/products", "backend/device/tuning"}},
    {"backend/device/model",
     {"backend/device/kernels", "backend/device/products", "backend/model", "backend/runtime/program",
      "backend/runtime/training", "core"}},
    {"backend/device/run",
     {"backend/device/kernels", "backend/device/model", "backend/device/products", "backend/device/program",
      "backend/device/setup", "backend/model", "backend/runtime/messages", "backend/runtime/program",
      "backend/runtime/training", "core"}},
    {"backend/device/table",
     {"backend/device/run", "backend/device/tuning", "backend/model", "backend/runtime/messages",
      "backend/runtime/paced", "backend/runtime/training", "backend/transport", "core"}},
    {"backend/cuda", {"core"}},
    {"backend/cuda/kernels", {"backend/cuda", "backend/device/kernels", "core"}},
    {"backend/cuda/products", {"backend/cuda", "backend/device/kernels", "backend/device/products"}},
    {"backend/cuda/comm", {"backend/cuda/kernels", "backend/device/comm"}},
    {"backend/cuda/green", {"backend/cuda", "backend/device/setup", "core"}},
    {"backend/cuda/trace", {"backend/cuda", "backend/device/program", "core"}},
    {"backend/cuda/run",
     {"backend/cuda", "backend/cuda/green", "backend/cuda/kernels", "backend/cuda/products", "backend/cuda/trace",
      "backend/device/comm", "backend/device/kernels", "backend/device/program", "backend/device/run",
      "backend/device/setup", "backend/transport", "core"}},
    {"backend/cuda/nccl",
     {"backend/cuda", "backend/cuda/run", "backend/device/program", "backend/device/run", "backend/runtime/messages",
      "backend/runtime/program", "backend/transport", "core"}},
    {"backend/cuda/tune",
     {"backend/cuda", "backend/cuda/products", "backend/device/measure", "backend/device/tuning", "core"}},
    {"backend/cuda/row",
     {"backend/cuda/nccl", "backend/cuda/run", "backend/cuda/tune", "backend/device/model", "backend/device/run",
      "backend/device/table"}},
    {"backend/cli",
     {"backend/cuda/row", "backend/device/run", "backend/device/setup", "backend/device/table", "backend/device/tuning",
      "backend/model", "backend/runtime/messages", "backend/runtime/training", "backend/transport",
      "backend/transport/mpi", "backend/transport/tcp", "core", "proto"}},
    {"backend", {"backend/cli"}},

    {"gui/timeline", {"core", "planner/schedules", "planner/subject", "sim"}},
    {"gui/models",
     {"core", "gui/timeline", "planner/app", "planner/diff", "planner/interchange", "planner/search", "planner/subject",
      "proto", "sim"}},
    {"gui/panels",
     {"core", "gui/models", "gui/timeline", "planner/app", "planner/overlap", "planner/schedules", "proto"}},
    {"gui", {"gui/panels"}},

    {"backend/python/bindings",
     {"core", "planner/app", "planner/interchange", "planner/schedules", "planner/subject", "proto", "sim"}},
};

// The room of a project header; empty for a header of somebody else.
std::string room_of(const std::string& target) {
  static const std::set<std::string> known = [] {
    std::set<std::string> paths;
    for (const SourceFile& file : source_files()) paths.insert(file.path);
    return paths;
  }();
  return known.contains(target) ? std::filesystem::path(target).parent_path().string() : "";
}

// What includes really are there between rooms, with one file that shows each.
std::map<std::string, std::map<std::string, std::string>> real_arrows() {
  std::map<std::string, std::map<std::string, std::string>> arrows;
  for (const SourceFile& file : source_files()) {
    for (const std::string& target : file.includes()) {
      const std::string room = room_of(target);
      if (!room.empty() && room != file.room()) arrows[file.room()][room] = file.path;
    }
  }
  return arrows;
}

// Whether `allowed` names `room`, or a folder around it that has no row of its own.
bool allows(const std::set<std::string>& allowed, const std::string& room) {
  return std::ranges::any_of(allowed, [&](const std::string& name) {
    return name == room || (!kMayInclude.contains(name) && room.starts_with(name + "/"));
  });
}

TEST(Arrows, EveryRoomIsOnTheMap) {
  std::set<std::string> rooms;
  for (const SourceFile& file : source_files()) rooms.insert(file.room());
  EXPECT_GT(rooms.size(), 40u);
  for (const std::string& room : rooms) EXPECT_TRUE(kMayInclude.contains(room)) << room << " has no row";
  for (const auto& [room, allowed] : kMayInclude) EXPECT_TRUE(rooms.contains(room)) << room << " holds no source file";
}

TEST(Arrows, AreThoseOfTheMap) {
  for (const auto& [from, targets] : real_arrows()) {
    if (!kMayInclude.contains(from)) continue;
    for (const auto& [to, example] : targets) {
      EXPECT_TRUE(allows(kMayInclude.at(from), to)) << from << " must not include " << to << ", as " << example;
    }
  }
}

TEST(Arrows, OfTheMapAreUsed) {
  const auto real = real_arrows();
  for (const auto& [from, allowed] : kMayInclude) {
    for (const std::string& name : allowed) {
      const bool used = real.contains(from) && std::ranges::any_of(real.at(from), [&](const auto& arrow) {
                          return allows({name}, arrow.first);
                        });
      EXPECT_TRUE(used) << "nothing in " << from << " includes " << name;
    }
  }
}

// Takes rooms away whose arrows all lead to rooms that are gone; what is left holds a cycle.
TEST(Arrows, HaveNoCycle) {
  auto left = real_arrows();
  for (bool gone = true; gone;) {
    gone = false;
    for (auto room = left.begin(); room != left.end();) {
      const bool leaf =
          std::ranges::none_of(room->second, [&](const auto& arrow) { return left.contains(arrow.first); });
      gone = gone || leaf;
      room = leaf ? left.erase(room) : std::next(room);
    }
  }
  for (const auto& [room, targets] : left) ADD_FAILURE() << room << " is in, or leads into, a cycle of includes";
}

TEST(Includes, NameTheirFolder) {
  for (const SourceFile& file : source_files()) {
    for (const std::string& target : file.includes()) {
      EXPECT_EQ(target.find("../"), std::string::npos) << file.path << " includes " << target;
    }
  }
}

bool is_qt(const std::string& target) {
  return target.starts_with("Qt") || (target.size() > 1 && target[0] == 'Q' && target[1] >= 'A' && target[1] <= 'Z');
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& prefixes) {
  return std::ranges::any_of(prefixes, [&](const auto& prefix) { return text.starts_with(prefix); });
}

TEST(Includes, KeepQtCudaAndMessagesInTheirRooms) {
  for (const SourceFile& file : source_files()) {
    for (const std::string& target : file.includes()) {
      EXPECT_TRUE(file.path.starts_with("gui/") || !is_qt(target)) << file.path << " includes " << target;
      EXPECT_TRUE(file.path.starts_with("backend/cuda/") ||
                  !starts_with_any(target, {"cuda", "nccl", "cublas", "cupti"}))
          << file.path << " includes " << target;
      EXPECT_TRUE(file.path.starts_with("backend/transport/mpi/") || target != "mpi.h") << file.path;
      EXPECT_TRUE(file.path.starts_with("backend/model/") || !target.starts_with("dnnl")) << file.path;
      EXPECT_TRUE(file.path.starts_with("backend/transport/tcp/") || !target.starts_with("openssl/")) << file.path;
      const bool message = target.ends_with(".pb.h");
      EXPECT_TRUE(!message || (file.path.starts_with("proto/") && file.path.ends_with(".cpp"))) << file.path;
    }
  }
}

}  // namespace
}  // namespace pipeloom::tests
