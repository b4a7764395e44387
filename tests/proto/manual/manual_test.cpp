#include "proto/manual/manual.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "proto/manual/man_page.h"
#include "proto/manual/shell_completion.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

using testing::HasSubstr;
using testing::Not;

proto::OptionEntry option(std::vector<std::string> names, std::string value, std::string description) {
  proto::OptionEntry entry;
  entry.names = std::move(names);
  entry.value = std::move(value);
  entry.description = std::move(description);
  return entry;
}

// A program with two subcommands; the second starts another program.
proto::CommandPage program() {
  proto::CommandPage weave{"weave", "Weave it", "", {}, {}, false};
  weave.options.push_back(option({"JOB"}, "TEXT", "a job"));
  weave.options.back().positional = true;
  weave.options.push_back(option({"-o", "--output"}, "TEXT", "the file to write"));
  weave.options.push_back(option({"--colour"}, "TEXT", "of the thread: 'red' [or] not"));
  weave.options.back().choices = {"red", "green"};
  weave.options.push_back(option({"--threads"}, "INT", "how many"));
  proto::CommandPage run{"run", "Run it", "", {option({"--ranks"}, "TEXT", "how ranks run")}, {}, true};
  return {"loom", "A loom", ".starts like a request", {option({"--version"}, "", "version")}, {weave, run}, false};
}

// What bash offers for the last of these words.
std::string offered(const std::string& words, const proto::CommandPage& page = program()) {
  const TempFolder folder;
  const std::string script = folder.file("loom", proto::bash_completion(page));
  const std::string command = "bash -c 'compopt() { :; }; source " + script + "; COMP_WORDS=(loom " + words +
                              "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _loom; echo -n \"${COMPREPLY[*]}\"'";
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) text += static_cast<char>(c);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

TEST(BashCompletion, OffersSubcommandsFirst) {
  EXPECT_EQ(offered("\"\""), "weave run");
  EXPECT_EQ(offered("w"), "weave");
}

TEST(BashCompletion, OffersTheOptionsOfTheSubcommand) {
  EXPECT_EQ(offered("-"), "--version");
  EXPECT_EQ(offered("weave --"), "--output --colour --threads");
  EXPECT_EQ(offered("run --"), "--ranks");
}

TEST(BashCompletion, OffersTheAllowedValues) {
  EXPECT_EQ(offered("weave --colour \"\""), "red green");
  EXPECT_EQ(offered("weave --colour = g"), "green");
}

TEST(BashCompletion, OffersTheWordsOfAPositional) {
  proto::CommandPage page = program();
  proto::set_choices(page, "JOB", {"tiny", "large"});
  EXPECT_EQ(offered("weave t", page), "tiny");
}

TEST(BashCompletion, LeavesFilesToReadline) {
  EXPECT_EQ(offered("weave job"), "");
  EXPECT_EQ(offered("weave -o \"\""), "");
}

TEST(ZshCompletion, EscapesWhatArgumentsReads) {
  const std::string text = proto::zsh_completion(program());
  EXPECT_THAT(text, HasSubstr("#compdef loom\n"));
  EXPECT_THAT(text, HasSubstr(R"('--colour=[of the thread\: '\''red'\'' \[or\] not]:TEXT:(red green)')"));
  EXPECT_THAT(text, HasSubstr("'--threads=[how many]:INT: '"));
}

TEST(ManPages, AreOneForEachCommandOfItsOwn) {
  const auto pages = proto::man_pages(program(), "1.2.3");
  ASSERT_EQ(pages.size(), 2u);
  EXPECT_EQ(pages[0].name, "loom.1");
  EXPECT_EQ(pages[1].name, "loom-weave.1");
  EXPECT_THAT(pages[0].text, HasSubstr("Pipeloom 1.2.3"));
  EXPECT_THAT(pages[0].text, HasSubstr("See \\fBloom\\-weave\\fR(1)."));
  EXPECT_THAT(pages[0].text, HasSubstr("\\fB\\-\\-ranks\\fR"));  // no page of its own
  EXPECT_THAT(pages[1].text, HasSubstr("One of red, green"));
}

TEST(ManPages, StartNoLineWithTextThatRoffReads) {
  const std::string text = proto::man_pages(program(), "1")[0].text;
  EXPECT_THAT(text, HasSubstr("\n\\&.starts like a request"));
  EXPECT_THAT(text, Not(HasSubstr("\n.starts")));
}

TEST(Manual, IsWrittenWhereAnInstallationHasIt) {
  const TempFolder folder;
  ASSERT_TRUE(proto::write_manual(program(), "1", folder.path("share")).has_value());
  for (const char* path : {"man/man1/loom.1", "man/man1/loom-weave.1", "bash-completion/completions/loom",
                           "zsh/vendor-completions/_loom"}) {
    EXPECT_TRUE(std::filesystem::exists(folder.path("share/") + path)) << path;
  }
}

TEST(Manual, SaysWhichFolderItCannotMake) {
  const TempFolder folder;
  folder.file("share", "not a folder");
  const auto written = proto::write_manual(program(), "1", folder.path("share"));
  ASSERT_FALSE(written.has_value());
  EXPECT_THAT(written.error().message, HasSubstr("can't make"));
}

}  // namespace
}  // namespace pipeloom::tests
