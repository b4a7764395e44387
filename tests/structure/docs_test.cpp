// Holds the documents to the repository: every path that they name is there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/structure/source_tree.h"

namespace pipeloom::tests {
namespace {

namespace fs = std::filesystem;

std::string content_of_doc(const std::string& path) {
  std::ifstream in(fs::path(repository()) / path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// What stands between backticks on one line.
std::vector<std::string> quoted(const std::string& text) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    for (size_t begin = line.find('`'); begin != std::string::npos;) {
      const size_t end = line.find('`', begin + 1);
      if (end == std::string::npos) break;
      found.push_back(line.substr(begin + 1, end - begin - 1));
      begin = line.find('`', end + 1);
    }
  }
  return found;
}

// "core/job/job.{h,cpp}" -> "core/job/job.h", "core/job/job.cpp".
std::vector<std::string> paths_of(const std::string& word) {
  const size_t open = word.find('{');
  const size_t close = word.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return {word};
  std::vector<std::string> paths;
  std::istringstream choices(word.substr(open + 1, close - open - 1));
  for (std::string choice; std::getline(choices, choice, ',');) {
    paths.push_back(word.substr(0, open) + choice + word.substr(close + 1));
  }
  return paths;
}

// A word is a path if it consists of a path's characters and begins with a folder of the repository.
bool is_path(const std::string& word) {
  if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./{},") !=
      std::string::npos) {
    return false;
  }
  const size_t slash = word.find('/');
  return slash != std::string::npos && slash > 0 && !word.starts_with("build/") &&
         fs::is_directory(fs::path(repository()) / word.substr(0, slash));
}

void expect_paths_exist(const std::string& doc, const std::string& word) {
  for (const std::string& path : paths_of(word)) {
    EXPECT_TRUE(fs::exists(fs::path(repository()) / path)) << doc << " names " << path;
  }
}

TEST(Docs, ArchitectureNamesOnlyFilesThatExist) {
  int paths = 0;
  for (const std::string& word : quoted(content_of_doc("docs/architecture.md"))) {
    if (!is_path(word)) continue;
    ++paths;
    expect_paths_exist("docs/architecture.md", word);
  }
  EXPECT_GT(paths, 50);
}

// Elsewhere a word such as `planner/cli` may be short for something; one with an ending is a file.
TEST(Docs, NameOnlyFilesThatExist) {
  int paths = 0;
  for (const auto& entry : fs::recursive_directory_iterator(repository())) {
    const std::string doc = fs::relative(entry.path(), repository()).string();
    if (entry.path().extension() != ".md" || doc.starts_with("build/") || doc == "CHANGELOG.md") continue;
    for (const std::string& word : quoted(content_of_doc(doc))) {
      if (!is_path(word) || fs::path(word).extension().empty()) continue;
      ++paths;
      expect_paths_exist(doc, word);
    }
  }
  EXPECT_GT(paths, 100);
}

}  // namespace
}  // namespace pipeloom::tests
