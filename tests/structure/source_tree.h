#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pipeloom::tests {

struct SourceFile {
  std::string path;  // from the root of the repository
  std::vector<std::string> lines;

  // The folder that holds the file: "core/job".
  std::string room() const { return std::filesystem::path(path).parent_path().string(); }
  std::string name() const { return std::filesystem::path(path).filename().string(); }
  bool is_header() const { return path.ends_with(".h") || path.ends_with(".cuh"); }
  // What its #include lines name.
  std::vector<std::string> includes() const;
};

std::string repository();

// Every C++ and CUDA file of the source folders (core, sim, planner, proto, backend, gui, python), by path.
const std::vector<SourceFile>& source_files();

}  // namespace pipeloom::tests
