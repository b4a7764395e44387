#include "tests/structure/source_tree.h"

#include <algorithm>
#include <fstream>
#include <optional>

namespace pipeloom::tests {

namespace {

namespace fs = std::filesystem;

// By hand: GCC 12 warns of std::regex under the sanitizers.
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

std::vector<SourceFile> read_source_files() {
  std::vector<SourceFile> files;
  for (const char* folder : {"core", "sim", "planner", "proto", "backend", "gui"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(repository()) / folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".h" && extension != ".cpp" && extension != ".cu" && extension != ".cuh") continue;
      SourceFile file{fs::relative(entry.path(), repository()).string(), {}};
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) file.lines.push_back(line);
      files.push_back(std::move(file));
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

}  // namespace

std::vector<std::string> SourceFile::includes() const {
  std::vector<std::string> found;
  for (const std::string& line : lines) {
    if (auto target = included(line)) found.push_back(*std::move(target));
  }
  return found;
}

std::string repository() {
  return PIPELOOM_SOURCE;
}

const std::vector<SourceFile>& source_files() {
  static const std::vector<SourceFile> files = read_source_files();
  return files;
}

}  // namespace pipeloom::tests
