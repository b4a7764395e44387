#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pipeloom {

// What a program was built from, and how.
struct BuildInfo {
  std::string_view version;     // "0.1.0"
  std::string_view commit;      // "a87ebbf", with "-dirty" if files differed; empty: unknown
  std::string_view build_type;  // "Release"
  std::string_view compiler;    // "GNU 12.2.0"
};

// This build. cmake/Commit.cmake generates the definition.
BuildInfo build_info();

// A part of a program that a build may leave out.
struct OptionalPart {
  std::string_view name;  // "ranks on GPUs (CUDA)"
  bool built_in = true;
};

// What `PROGRAM --version` prints, without the last line's end: version, commit, build, and which parts are built in.
std::string version_text(std::string_view program, const BuildInfo& info, const std::vector<OptionalPart>& parts);

}  // namespace pipeloom
