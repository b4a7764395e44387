// Holds every name to one thing: a header name is there once, and so is a type's in its namespace.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>

#include "tests/structure/source_tree.h"

namespace pipeloom::tests {
namespace {

// The namespace that a file of this folder opens. core's words are everyone's, so they need no prefix.
std::string namespace_of(const SourceFile& file) {
  const std::string folder = file.path.substr(0, file.path.find('/'));
  return folder == "core" ? "pipeloom" : "pipeloom::" + folder;
}

// A type that a line defines at the outermost level of its namespace: "struct Plan {" -> "Plan".
std::optional<std::string> defined_type(std::string line) {
  if (line.find('{') == std::string::npos) return std::nullopt;
  for (const std::string keyword : {"struct ", "class ", "enum class ", "enum ", "union "}) {
    if (!line.starts_with(keyword)) continue;
    line.erase(0, keyword.size());
    if (line.starts_with("alignas(")) line.erase(0, line.find(") ") + 2);
    const size_t end = line.find_first_of(" :{<");
    const std::string name = line.substr(0, end);
    if (name == "class" || line.compare(end, 2, "::") == 0) continue;  // "enum class", or a nested type: Reader::Impl
    return name;
  }
  return std::nullopt;
}

struct TypePlace {
  std::string path;
  bool is_local = false;  // in an anonymous namespace: seen by its file alone
};

// "namespace pipeloom::sim::Plan" -> where it is defined.
std::map<std::string, std::vector<TypePlace>> types() {
  std::map<std::string, std::vector<TypePlace>> found;
  for (const SourceFile& file : source_files()) {
    std::string space;
    bool is_local = false;
    for (const std::string& line : file.lines) {
      if (line == "namespace {") is_local = true;
      if (line == "}  // namespace") is_local = false;
      if (line.starts_with("namespace ") && line != "namespace {" && line.find('=') == std::string::npos) {
        space = line.substr(10, line.find(" {") - 10);
      }
      if (const auto name = defined_type(line)) found[space + "::" + *name].push_back({file.path, is_local});
    }
  }
  return found;
}

TEST(Names, OfHeadersAreThereOnce) {
  std::map<std::string, std::string> seen;
  for (const SourceFile& file : source_files()) {
    if (!file.is_header()) continue;
    const auto [other, is_new] = seen.emplace(file.name(), file.path);
    EXPECT_TRUE(is_new) << file.path << " and " << other->second;
  }
  EXPECT_GT(seen.size(), 300u);
}

TEST(Names, OfTypesAreThereOnceInANamespace) {
  const auto all = types();
  EXPECT_GT(all.size(), 500u);
  for (const auto& [name, places] : all) {
    for (const TypePlace& place : places) {
      if (place.is_local) continue;
      for (const TypePlace& other : places) {
        EXPECT_TRUE(&place == &other) << name << " is defined in " << place.path << " and in " << other.path;
      }
    }
  }
}

TEST(Names, EveryFileOpensTheNamespaceOfItsFolder) {
  for (const SourceFile& file : source_files()) {
    std::set<std::string> opened;
    for (const std::string& line : file.lines) {
      if (line.starts_with("namespace pipeloom")) opened.insert(line.substr(10, line.find_first_of(" {", 10) - 10));
    }
    if (opened.empty()) continue;  // a program's main file
    EXPECT_TRUE(opened.contains(namespace_of(file))) << file.path << " does not open " << namespace_of(file);
  }
}

}  // namespace
}  // namespace pipeloom::tests
