// What README.md shows is what the commands print.
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

constexpr std::string_view kIndent = "    ";
constexpr std::string_view kPrompt = "    $ pipeloom ";

// The indented block after a command, without its indent.
std::string shown_output(std::istringstream& text) {
  std::string shown;
  while (text.good()) {
    const auto place = text.tellg();
    std::string line;
    if (!std::getline(text, line)) break;
    if (!line.empty() && (!line.starts_with(kIndent) || line.starts_with(kPrompt))) {
      text.seekg(place);
      break;
    }
    shown += (line.empty() ? "" : line.substr(kIndent.size())) + '\n';
  }
  shown.erase(shown.find_last_not_of('\n') + 1);
  return shown + '\n';
}

TEST(Readme, ShowsWhatTheCommandsPrint) {
  std::filesystem::current_path(PIPELOOM_SOURCE);
  std::istringstream text(content_of(std::string(PIPELOOM_SOURCE) + "/README.md"));
  int commands = 0;
  for (std::string line; std::getline(text, line);) {
    if (!line.starts_with(kPrompt)) continue;
    ++commands;
    EXPECT_EQ(run_command(line.substr(kPrompt.size())).out, shown_output(text)) << line;
  }
  EXPECT_EQ(commands, 5);
}

}  // namespace
}  // namespace pipeloom::tests
