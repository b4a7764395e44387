// Every sample is run and its whole output compared with tests/data/expected. After a wanted change, PIPELOOM_UPDATE=1
// writes the files anew: read their diff.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/planner/cli/run_command.h"

namespace pipeloom::tests {
namespace {

struct SampleRun {
  const char* file;  // below tests/data/expected
  const char* command;
  const char* job;
  const char* options;
};

constexpr SampleRun kRuns[] = {
    {"deepseek-v3.compare.txt", "compare", "deepseek-v3", ""},
    {"deepseek-v3.simulate.txt", "simulate", "deepseek-v3", "--schedule dualpipe"},
    {"deepseek-v3.explain.txt", "explain", "deepseek-v3", "--schedule 1f1b"},
    {"llama-3-405b.compare.txt", "compare", "llama-3-405b", ""},
    {"gpt3-175b.compare.txt", "compare", "gpt3-175b", ""},
    {"tiny-moe.compare.txt", "compare", "tiny-moe", ""},
    {"tiny-recipe.explain.txt", "explain", "tiny-recipe", "--schedule dualpipe"},
    {"learning.compare.txt", "compare", "learning", ""},
    {"learning.show.txt", "show", "learning", "--schedule dualpipe"},
    {"learning.order.txt", "order", "learning", "--schedule chimera"},
};

std::string read(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class Samples : public ::testing::TestWithParam<SampleRun> {};

TEST_P(Samples, PrintWhatIsExpected) {
  const SampleRun& run = GetParam();
  std::vector<std::string> words = {run.command, sample(run.job)};
  std::istringstream options(run.options);
  for (std::string word; options >> word;) words.push_back(word);
  const auto result = run_command(words);
  ASSERT_EQ(result.code, 0) << result.err;
  const std::string path = std::string(PIPELOOM_TEST_DATA) + "/expected/" + run.file;
  if (std::getenv("PIPELOOM_UPDATE") != nullptr) std::ofstream(path) << result.out;
  EXPECT_EQ(result.out, read(path)) << path;
}

INSTANTIATE_TEST_SUITE_P(All, Samples, ::testing::ValuesIn(kRuns), [](const auto& entry) {
  std::string name = entry.param.file;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

TEST(Samples, EachJobIsRun) {
  std::set<std::string> run;
  for (const SampleRun& entry : kRuns) run.insert(sample(entry.job));
  for (const auto& entry : std::filesystem::directory_iterator(std::string(PIPELOOM_SOURCE) + "/samples")) {
    const bool is_job = entry.path().extension() == ".txtpb";
    EXPECT_TRUE(!is_job || run.contains(entry.path().string())) << entry.path();
  }
}

TEST(Samples, CompareOfDeepSeekV3PrefersDualPipe) {
  const auto json = run_command({"compare", sample("deepseek-v3"), "--json"}).json();
  EXPECT_EQ(json["schedules"][0]["schedule"], "dualpipe");
  // Published: 19.926 s (arXiv 2505.09343, table 4). From the model and published constants alone.
  EXPECT_NEAR(json["schedules"][0]["time_per_step"].get<double>(), 19'926, 0.12 * 19'926);
}

}  // namespace
}  // namespace pipeloom::tests
