// --version, and the manual that is made from the table of options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "core/base/build_info.h"
#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

using testing::HasSubstr;

TEST(Version, NamesTheProgramItsVersionAndItsParts) {
  const CommandResult result = run_command("--version");
  EXPECT_EQ(result.code, 0);
  EXPECT_TRUE(result.out.starts_with("pipeloom " + std::string(build_info().version) + "\n")) << result.out;
  EXPECT_THAT(result.out, HasSubstr("CaDiCaL"));
}

// Every subcommand of --help has a page, but `run`, whose options are another program's.
TEST(WriteManual, WritesAPageForEverySubcommand) {
  const TempFolder folder;
  const CommandResult result = run_command({"--write-manual", folder.path("share")});
  ASSERT_EQ(result.code, 0) << result.err;
  std::istringstream help(run_command("--help").out);
  int pages = 0;
  bool in_commands = false;
  for (std::string line; std::getline(help, line);) {
    if (line.starts_with("Subcommands")) in_commands = true;
    if (!in_commands || !line.starts_with("  ") || line[2] == ' ') continue;
    const std::string name = line.substr(2, line.find(' ', 2) - 2);
    if (name == "run") continue;
    ++pages;
    const std::string path = folder.path("share/man/man1/pipeloom-" + name + ".1");
    ASSERT_TRUE(std::filesystem::exists(path)) << path;
    EXPECT_THAT(content_of(path), HasSubstr("\\fB\\-\\-help\\fR")) << path;
  }
  EXPECT_GT(pages, 12);
}

TEST(WriteManual, CompletesTheNamesOfSchedulesAndGpus) {
  const TempFolder folder;
  ASSERT_EQ(run_command({"--write-manual", folder.path("share")}).code, 0);
  const std::string bash = content_of(folder.path("share/bash-completion/completions/pipeloom"));
  EXPECT_THAT(bash, HasSubstr("'plan --schedule') values='"));
  EXPECT_THAT(bash, HasSubstr(" dualpipe "));
  EXPECT_THAT(content_of(folder.path("share/zsh/vendor-completions/_pipeloom")), HasSubstr(":NAME:("));
}

// In an installation pipeloom-run lies beside pipeloom.
TEST(InstalledPrograms, FindEachOther) {
  const TempFolder folder;
  std::filesystem::create_directory(folder.path("bin"));
  std::filesystem::copy_file(PIPELOOM_COMMAND, folder.path("bin/pipeloom"));
  const std::string runner = folder.file("bin/pipeloom-run", "#!/bin/sh\necho \"$@\" >\"$0.said\"\n");
  std::filesystem::permissions(runner, std::filesystem::perms::owner_all);
  EXPECT_EQ(std::system((folder.path("bin/pipeloom") + " run some.plan --steps 3").c_str()), 0);
  EXPECT_EQ(content_of(runner + ".said"), "some.plan --steps 3\n");
}

}  // namespace
}  // namespace pipeloom::tests
