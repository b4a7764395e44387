// Includes point one way: core <- sim <- planner, core <- backend, core <- proto; programs and gui/ may use all. Held
// against every #include of the source folders.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

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

// The file that a line includes. By hand: GCC 12 warns of std::regex under the sanitizers.
std::optional<std::string> included(const std::string& line) {
  const size_t hash = line.find_first_not_of(" \t");
  if (hash == std::string::npos || line[hash] != '#') return std::nullopt;
  const size_t word = line.find_first_not_of(" \t", hash + 1);
  if (word == std::string::npos || line.compare(word, 7, "include") != 0) return std::nullopt;
  const size_t begin = line.find_first_of("<\"", word);
  const size_t end = line.find_first_of(">\"", begin + 1);
  if (begin == std::string::npos || end == std::string::npos) return std::nullopt;
  return line.substr(begin + 1, end - begin - 1);
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& prefix) { return text.starts_with(prefix); });
}

bool is_qt(const std::string& target) {
  return target.starts_with("Qt") || (target.size() > 1 && target[0] == 'Q' && target[1] >= 'A' && target[1] <= 'Z');
}

std::vector<Include> all_includes() {
  std::vector<Include> includes;
  for (const auto& [folder, allowed] : kMayInclude) {
    const fs::path root = fs::path(PIPELOOM_SOURCE) / folder;
    if (!fs::exists(root)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".h" && extension != ".cpp" && extension != ".cu" && extension != ".cuh") continue;
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) {
        if (const auto target = included(line)) {
          includes.push_back({entry.path().string(), folder, is_program(entry.path()), *target});
        }
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
  for (const Include& include : all_includes()) {
    EXPECT_TRUE(include.folder == "gui" || !is_qt(include.target)) << include.file;
    EXPECT_TRUE(include.folder == "backend" ||
                !starts_with_any(include.target, {"cuda", "nccl", "mpi", "cublas", "cupti", "dnnl"}))
        << include.file;
    const bool message = include.target.ends_with(".pb.h");
    EXPECT_TRUE(!message || (include.folder == "proto" && include.file.ends_with(".cpp"))) << include.file;
  }
}

}  // namespace
}  // namespace pipeloom
