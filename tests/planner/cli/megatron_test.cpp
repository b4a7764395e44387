#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "proto/megatron/layout_string.h"
#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// As Megatron-LM reads a layout (PipelineParallelLayerLayout.parse_str_to_list): commas away, "(...)*n" and then "c*n"
// unrolled, stages apart at "|".
std::vector<std::string> parse_layout(std::string text) {
  std::erase(text, ',');
  for (const std::regex& repeated : {std::regex(R"(\(([^)]+)\)\*(\d+))"), std::regex(R"((.)\*(\d+))")}) {
    for (std::smatch match; std::regex_search(text, match, repeated);) {
      std::string unrolled;
      for (int i = std::stoi(match[2]); i > 0; --i) unrolled += match[1];
      text = match.prefix().str() + unrolled + match.suffix().str();
    }
  }
  std::vector<std::string> stages = {""};
  for (const char c : text) {
    if (c == '|') {
      stages.emplace_back();
    } else {
      stages.back() += c;
    }
  }
  return stages;
}

TEST(MegatronLayout, ComesBackFromMegatronsPattern) {
  EXPECT_THAT(parse_layout(megatron_layout(std::vector<int>{3, 0, 1, 12}, 1)),
              ElementsAre("Ettt", "", "t", "ttttttttttttmL"));
  EXPECT_THAT(parse_layout(megatron_layout(std::vector<int>{0, 2, 0}, 0)), ElementsAre("E", "tt", "L"));
  EXPECT_EQ(megatron_layout(std::vector<int>{3, 4, 2}, 1), "Et*3|t*4|t*2mL");
}

std::string export_deepseek(const std::string& options) {
  const auto result = run_command("export " + sample("deepseek-v3") + " --to megatron-args " + options);
  EXPECT_EQ(result.code, 0) << result.err;
  return result.out;
}

TEST(MegatronArguments, DescribeTheModelAndTheLayout) {
  const std::string out = export_deepseek("--schedule 1f1b");
  for (const char* flag :
       {"--num-layers 61\n", "--hidden-size 7168\n", "--multi-latent-attention\n", "--kv-lora-rank 512\n",
        "--num-experts 256\n", "--moe-router-topk 8\n", "--moe-layer-freq '[0,0,0,1,1", "--mtp-num-layers 1\n",
        "--pipeline-model-parallel-size 16\n", "--expert-model-parallel-size 64\n", "--tensor-model-parallel-size 1\n",
        "--global-batch-size 15360\n", "--use-distributed-optimizer\n", "--fp8-format e4m3\n"}) {
    EXPECT_THAT(out, HasSubstr(flag));
  }
  EXPECT_THAT(out, Not(HasSubstr("overlap-moe")));
  const size_t begin = out.find("layout '") + 8;
  const auto stages = parse_layout(out.substr(begin, out.find('\'', begin) - begin));
  ASSERT_EQ(stages.size(), 16U);
  size_t layers = 0;
  for (const std::string& stage : stages) layers += std::ranges::count(stage, 't');
  EXPECT_EQ(layers, 61U);
  EXPECT_EQ(stages.front().front(), 'E');
  EXPECT_TRUE(stages.back().ends_with("mL"));
}

TEST(MegatronArguments, AnOverlappedPlanSplitsTheSms) {
  const TempFolder folder;
  const std::string target = folder.path("megatron");
  EXPECT_THAT(export_deepseek("--schedule interleaved-1f1b-moe-overlap --chunks 2 -o " + target),
              HasSubstr("xargs -a arguments.txt"));
  const std::string arguments = content_of(target + "/arguments.txt");
  EXPECT_THAT(arguments, HasSubstr("--overlap-moe-expert-parallel-comm\n"));
  EXPECT_THAT(arguments, HasSubstr("--nccl-communicator-config-path nccl.yaml\n"));
  EXPECT_EQ(content_of(target + "/nccl.yaml"), "ep: {min_ctas: 20, max_ctas: 20}\n");
  const size_t begin = arguments.find("layout '") + 8;
  EXPECT_EQ(parse_layout(arguments.substr(begin, arguments.find('\'', begin) - begin)).size(), 32U);
}

TEST(MegatronArguments, WhatMegatronCantRunIsRefusedWithTheNearest) {
  const auto problem = [](const std::string& schedule) {
    const auto result = run_command("export " + sample("deepseek-v3") + " --to megatron-args --schedule " + schedule);
    EXPECT_EQ(result.code, 1);
    return result.err;
  };
  EXPECT_THAT(problem("dualpipe"), HasSubstr("interleaved-1f1b-moe-overlap is the nearest"));
  EXPECT_THAT(problem("zb-h1"), HasSubstr("of which 1f1b is the nearest"));
  EXPECT_THAT(problem("zb-v"), HasSubstr("of which interleaved-1f1b is the nearest"));
  EXPECT_THAT(run_command("export --schedule 1f1b --ranks 2 --micro-batches 2 --to megatron-args").err,
              HasSubstr("needs a job with a model"));
}

}  // namespace
}  // namespace pipeloom::tests
