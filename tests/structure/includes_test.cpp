// Includes point one way: core <- sim <- planner, core <- backend, core <- proto; programs and gui/ may use all. Held
// against every #include of the source folders.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace pipeloom {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"core", {"core"}},
    {"sim", {"core", "sim"}},
    {"planner", {"core", "sim", "planner"}},
    {"proto", {"core", "proto"}},
    {"backend", {"core", "backend"}},
    {"gui", {"core", "sim", "planner", "proto", "backend", "gui"}},
};

bool is_program(const fs::path& path) {
  return path.filename() == "main.cpp" || path.parent_path().filename() == "cli";
}

struct Include {
  std::string file;
  std::string folder;  // of the including file
  bool program = false;
  std::string target;
};

std::vector<Include> all_includes() {
  const std::regex pattern(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<Include> includes;
  for (const auto& [folder, allowed] : kMayInclude) {
    const fs::path root = fs::path(PIPELOOM_SOURCE) / folder;
    if (!fs::exists(root)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".h" && extension != ".cpp" && extension != ".cu" && extension != ".cuh") continue;
      std::ifstream in(entry.path());
      std::smatch match;
      for (std::string line; std::getline(in, line);) {
        if (!std::regex_search(line, match, pattern)) continue;
        includes.push_back({entry.path().string(), folder, is_program(entry.path()), match[1].str()});
      }
    }
  }
  return includes;
}

TEST(Includes, PointOneWay) {
  const auto includes = all_includes();
  EXPECT_GT(includes.size(), 300u);
  for (const Include& include : includes) {
    const std::string target = include.target.substr(0, include.target.find('/'));
    if (!kMayInclude.contains(target) || include.program) continue;
    EXPECT_TRUE(kMayInclude.at(include.folder).contains(target)) << include.file << " includes " << include.target;
  }
}

TEST(Includes, NameTheirFolder) {
  for (const Include& include : all_includes()) {
    EXPECT_EQ(include.target.find("../"), std::string::npos) << include.file << " includes " << include.target;
  }
}

TEST(Includes, KeepQtCudaAndMessagesInTheirRooms) {
  const std::regex qt(R"(^Q[A-Z]|^Qt)");
  const std::regex device(R"(^(cuda|nccl|mpi|cublas|cupti))");
  for (const Include& include : all_includes()) {
    EXPECT_TRUE(include.folder == "gui" || !std::regex_search(include.target, qt)) << include.file;
    EXPECT_TRUE(include.folder == "backend" || !std::regex_search(include.target, device)) << include.file;
    const bool message = include.target.ends_with(".pb.h");
    EXPECT_TRUE(!message || (include.folder == "proto" && include.file.ends_with(".cpp"))) << include.file;
  }
}

}  // namespace
}  // namespace pipeloom
