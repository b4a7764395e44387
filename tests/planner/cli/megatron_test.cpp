#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "proto/megatron/layout_string.h"
#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

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
  EXPECT_THAT(parse_layout(proto::megatron_layout(std::vector<int>{3, 0, 1, 12}, 1)),
              ElementsAre("Ettt", "", "t", "ttttttttttttmL"));
  EXPECT_THAT(parse_layout(proto::megatron_layout(std::vector<int>{0, 2, 0}, 0)), ElementsAre("E", "tt", "L"));
  EXPECT_EQ(proto::megatron_layout(std::vector<int>{3, 4, 2}, 1), "Et*3|t*4|t*2mL");
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

TEST(MegatronImport, AnExportedLaunchIsTheJobAgain) {
  const TempFolder folder;
  const std::string target = folder.path("megatron");
  export_deepseek("--schedule interleaved-1f1b-moe-overlap --chunks 2 -o " + target);
  const std::string job = folder.path("again.txtpb");
  const auto imported =
      run_command("import " + target + "/arguments.txt --job " + sample("deepseek-v3") + " -o " + job);
  ASSERT_EQ(imported.code, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("2048 GPUs: pipeline 16, tensor 1, context 1, data 128, expert 64; "
                                      "interleaved-1f1b-moe-overlap; 120 micro-batches"));
  const auto step = [](const std::string& subject) {
    const auto result = run_command("simulate " + subject + " --json");
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out;
  };
  EXPECT_EQ(step(job), step(sample("deepseek-v3") + " --schedule interleaved-1f1b-moe-overlap --chunks 2"));
}

TEST(MegatronImport, SaysWhatItLeavesOut) {
  const TempFolder folder;
  const std::string script =
      folder.file("train.sh",
                  "A=(--num-layers 4 --hidden-size 256 --num-attention-heads 4 --lr 1e-4)\n"
                  "if true; then A+=(--fp8-format hybrid); fi\n"
                  "torchrun --nproc_per_node 4 pretrain_gpt.py ${A[@]} --bf16 --seq-length 128 "
                  "--micro-batch-size 1 --pipeline-model-parallel-size 4 --recompute-activations\n");
  const auto printed = run_command("import " + script + " --gpu H100 -- --vocab-size 1024 --global-batch-size 16");
  ASSERT_EQ(printed.code, 0) << printed.err;
  EXPECT_THAT(printed.out, StartsWith("# What train.sh runs.\n# Differs: "));
  EXPECT_THAT(printed.out,
              HasSubstr("# Differs: nothing is run: what depends on conditions and loops is left out (line 2).\n"
                        "# Not used: --lr\nformat_version: 1\nname: \"train\"\n"));
  EXPECT_THAT(printed.out, HasSubstr("gpu: \"H100\""));
  EXPECT_EQ(printed.out, content_of(folder.file("job.txtpb", printed.out)));
  const auto shown = run_command("simulate " + folder.path("job.txtpb"));
  EXPECT_EQ(shown.code, 0) << shown.err;
  const auto json = run_command("import " + script + " --gpu H100 --json -- --vocab-size 1024 --global-batch-size 16");
  EXPECT_EQ(nlohmann::json::parse(json.out)["unused"], nlohmann::json({"--lr"}));
}

TEST(MegatronImport, BadOptionsAreNamed) {
  const TempFolder folder;
  const std::string script = folder.file("train.sh", "--bf16\n");
  const auto problem = [&](const std::string& options) {
    const auto result = run_command("import " + script + " " + options);
    EXPECT_EQ(result.code, 1) << result.out;
    return result.err;
  };
  EXPECT_THAT(problem(""), HasSubstr("which GPUs? Give --gpu"));
  EXPECT_THAT(problem("--gpu H1000"), HasSubstr("H1000"));
  EXPECT_THAT(problem("--gpu H100"), HasSubstr("train.sh: --num-layers is missing"));
  EXPECT_THAT(problem("--gpu H100 --times F=1"), HasSubstr("--times is for schedules"));
  EXPECT_THAT(problem("--gpu H100 --nodes 0"), HasSubstr("cluster.nodes is 0"));
  EXPECT_THAT(
      problem("--gpu H100 -o out.json -- --num-layers 2 --hidden-size 64 --num-attention-heads 2 --seq-length 8 "
              "--micro-batch-size 1 --vocab-size 128"),
      HasSubstr("-o is out.json; the name of a job file ends in .txtpb"));
  EXPECT_THAT(run_command("import " + folder.file("x.csv", "0F0,0B0\n") + " --gpu H100").err,
              HasSubstr("are for what starts Megatron-LM"));
  EXPECT_THAT(run_command("import " + folder.path("none.sh") + " --gpu H100").err, HasSubstr("none.sh"));
}

}  // namespace
}  // namespace pipeloom::tests
