#include "core/base/build_info.h"

#include <fmt/format.h>

namespace pipeloom {

namespace {

// A line of the names that are (or are not) built in; nothing if there are none.
std::string line_of(std::string_view title, const std::vector<OptionalPart>& parts, bool built_in) {
  std::string names;
  for (const OptionalPart& part : parts) {
    if (part.built_in == built_in) names += fmt::format("{}{}", names.empty() ? "" : ", ", part.name);
  }
  return names.empty() ? "" : fmt::format("\n{:<10} {}", title, names);
}

}  // namespace

std::string version_text(std::string_view program, const BuildInfo& info, const std::vector<OptionalPart>& parts) {
  std::string text = fmt::format("{} {}", program, info.version);
  text += fmt::format("\n{:<10} {}", "commit", info.commit.empty() ? "unknown" : info.commit);
  text += fmt::format("\n{:<10} {}, {}", "build", info.build_type, info.compiler);
  text += line_of("built in", parts, true);
  text += line_of("left out", parts, false);
  return text;
}

}  // namespace pipeloom
