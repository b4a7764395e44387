#include "proto/megatron/shell_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/megatron/shell_arithmetic.h"

namespace pipeloom::proto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> words(std::string_view script) {
  const auto read = shell_words("run.sh", script);
  EXPECT_TRUE(read) << read.error().message;
  std::vector<std::string> texts;
  if (read) {
    for (const ShellWord& word : read->words) texts.push_back(word.text);
  }
  return texts;
}

std::string problem(std::string_view script) {
  const auto read = shell_words("run.sh", script);
  EXPECT_FALSE(read);
  return read ? "" : read.error().message;
}

TEST(ShellWords, AreSplitAtBlanksUnlessQuoted) {
  EXPECT_THAT(words("a  b\tc\nd \\\n e \\\r\nf\\\ng; h|i"), ElementsAre("a", "b", "c", "d", "e", "fg", "h", "i"));
  EXPECT_THAT(words(R"(--x 'a $B "c"' --y "d \" e" f\ g'h')"),
              ElementsAre("--x", "a $B \"c\"", "--y", "d \" e", "f gh"));
  EXPECT_THAT(words("a '' \"\" b"), ElementsAre("a", "", "", "b"));
  EXPECT_THAT(words("# all\na # b\nc#d"), ElementsAre("a", "c#d"));
}

TEST(ShellWords, VariablesArePutIn) {
  EXPECT_THAT(words("A=1\nB=\"2 3\"\nrun $A ${A}x $B \"$B\" '$B'"),
              ElementsAre("run", "1", "1x", "2", "3", "2 3", "$B"));
  EXPECT_THAT(words("export A=1 B=$A\nrun $B"), ElementsAre("run", "1"));
  EXPECT_THAT(words("A=1\nA=${A:-5}\nB=${B:-\"${A}7\"}\nC=${D-9}\nrun $A $B $C"), ElementsAre("run", "1", "17", "9"));
  EXPECT_THAT(words("run $UNSET ${UNSET} $(date +%s) $1"),
              ElementsAre("run", "$UNSET", "${UNSET}", "$(date", "+%s)", "$1"));
  EXPECT_THAT(words("A=8\nB=$(($A*2 - ${A}/4))\nC=$(( A ))\nrun $B $C $((X+1))"),
              ElementsAre("run", "14", "8", "$((X+1))"));
  EXPECT_THAT(words("run --a=1 b=2"), ElementsAre("run", "--a=1", "b=2"));
}

TEST(ShellWords, ArraysKeepTheirWords) {
  const std::string script = "A=(\n  --x 1 # one\n  #--y 2\n  \"--z 3\"\n)\nA+=(--v \"4 5\")\n";
  EXPECT_THAT(words(script + "run ${A[@]} end"), ElementsAre("run", "--x", "1", "--z", "3", "--v", "4", "5", "end"));
  EXPECT_THAT(words(script + "run \"${A[@]}\""), ElementsAre("run", "--x", "1", "--z 3", "--v", "4 5"));
  EXPECT_THAT(words("A=()\nrun ${A[@]} x"), ElementsAre("run", "x"));
  EXPECT_THAT(words("A=a\nA+=b\nrun $A"), ElementsAre("run", "ab"));
}

TEST(ShellWords, BranchesAreNamedAndLeftOut) {
  const auto read =
      shell_words("run.sh",
                  "A=(1)\nif [ -n \"$X\" ]; then\n  A+=(2)\n  if true; then echo fi; fi\nelse\n  A=3\nfi\n"
                  "[[ $X == 1 ]] && A+=(4) \\\n  && A+=(5)\nfor i in 1 2; do echo $i; done\nrun ${A[@]}");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(read->branches, ElementsAre(2, 8, 10));
  ASSERT_EQ(read->words.size(), 2U);
  EXPECT_EQ(read->words[0].text, "run");
  EXPECT_EQ(read->words[0].line, 11);
  EXPECT_EQ(read->words[1].text, "1");
}

TEST(ShellWords, MistakesAreNamedWithTheirLine) {
  EXPECT_EQ(problem("a\nb 'c"), "run.sh:2: the closing ' is missing");
  EXPECT_EQ(problem("A=(\n1\n"), "run.sh:3: ) is missing for the ( in line 1");
  EXPECT_EQ(problem("if true; then\na"), "run.sh:2: fi is missing for the if in line 1");
  EXPECT_EQ(problem("run ${A\n"), "run.sh:1: } is missing");
  EXPECT_THAT(problem("A=(1 (2))"), HasSubstr("\"(\" in an array"));
}

TEST(ShellWords, MemoryIsBounded) {
  std::string script = "A=aaaaaaaaaa\n";
  for (int i = 0; i < 40; ++i) script += "A=$A$A\n";
  EXPECT_THAT(problem(script), HasSubstr("grow beyond a million characters"));
  std::string nested = "x";
  for (int i = 0; i < 1000; ++i) nested = "${A" + std::to_string(i) + ":-" + nested + "}";
  EXPECT_THAT(problem("run " + nested), HasSubstr("more than 20 deep"));
}

TEST(ShellArithmetic, IsTheShells) {
  EXPECT_EQ(shell_arithmetic("2*(8-1)"), 14);
  EXPECT_EQ(shell_arithmetic(" 7 / 2 % 2 - -3 "), 4);
  EXPECT_EQ(shell_arithmetic("10-3-2"), 5);
  for (const char* wrong : {"", "1+", "(1", "1)", "1/0", "1 % -1", "a", "9223372036854775807+1", "1 2"}) {
    EXPECT_EQ(shell_arithmetic(wrong), std::nullopt) << wrong;
  }
  EXPECT_EQ(shell_arithmetic(std::string(100'000, '(')), std::nullopt);
}

}  // namespace
}  // namespace pipeloom::proto
