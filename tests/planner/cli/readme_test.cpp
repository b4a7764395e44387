// What the documents show is what the commands print.
#include <gtest/gtest.h>

#include <algorithm>
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

// Runs every command that a document shows with its output; returns how many.
int check_commands_of(const std::string& document) {
  std::istringstream text(content_of(std::string(PIPELOOM_SOURCE) + "/" + document));
  int commands = 0;
  for (std::string line; std::getline(text, line);) {
    if (!line.starts_with(kPrompt)) continue;
    ++commands;
    EXPECT_EQ(run_command(line.substr(kPrompt.size())).out, shown_output(text)) << document << ": " << line;
  }
  return commands;
}

TEST(Documents, ShowWhatTheCommandsPrint) {
  std::filesystem::current_path(PIPELOOM_SOURCE);
  EXPECT_EQ(check_commands_of("README.md"), 1);
  EXPECT_EQ(check_commands_of("docs/commands.md"), 3);
  EXPECT_EQ(check_commands_of("docs/figures.md"), 1);
}

// A newcomer reads it to the end.
TEST(Readme, HasAtMost150Lines) {
  const std::string text = content_of(std::string(PIPELOOM_SOURCE) + "/README.md");
  EXPECT_LE(std::ranges::count(text, '\n'), 150);
}

// The words after "pipeloom" that begin its examples are subcommands.
TEST(Readme, NamesOnlySubcommandsThatExist) {
  std::istringstream text(content_of(std::string(PIPELOOM_SOURCE) + "/README.md"));
  const std::string help = run_command("--help").out;
  for (std::string line; std::getline(text, line);) {
    if (!line.starts_with("    pipeloom ")) continue;
    const std::string word = line.substr(13, line.find(' ', 13) - 13);
    EXPECT_NE(help.find("\n  " + word + " "), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace pipeloom::tests
