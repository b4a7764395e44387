#include "planner/app/published_job.h"

#include <gtest/gtest.h>

#include <functional>

#include "planner/app/published_prediction.h"
#include "proto/base/files.h"

namespace pipeloom::planner {
namespace {

Result<std::string> model_text(const std::string& name) {
  return proto::read_file(std::string(PIPELOOM_TEST_DATA) + "/published/models/" + name + ".json");
}

// Llama 3 8B on one node of H100.
proto::PublishedTraining training() {
  proto::PublishedTraining training;
  training.id = "run";
  training.settings = {{"id", "run"},
                       {"task", "pretrain"},
                       {"model", "llama3-8b"},
                       {"gpu", "H100"},
                       {"num_gpus", "8"},
                       {"gpus_per_node", "8"},
                       {"nvlink_domain", "8"},
                       {"precision", "bf16"},
                       {"tp", "1"},
                       {"pp", "1"},
                       {"micro_batch", "1"},
                       {"global_batch", "128"},
                       {"seq", "8192"},
                       {"schedule", "no-pipeline"},
                       {"newest_layout", "1"},
                       {"confidence", "recipe-read"}};
  training.figures = {{"tokens_per_s_per_gpu", 10'000, "tokens/s/GPU", ""}};
  return training;
}

std::string reason(const std::string& column, const std::string& value) {
  proto::PublishedTraining changed = training();
  changed.settings[column] = value;
  if (value.empty()) changed.settings.erase(column);
  const auto job = published_job(changed, model_text);
  return job ? "" : job.error().message;
}

TEST(PublishedJob, SetsFieldsOfTheJob) {
  const auto published = published_job(training(), model_text);
  ASSERT_TRUE(published.has_value()) << published.error().message;
  const Job& job = published->job;
  EXPECT_EQ(job.model->hidden, 4096);
  EXPECT_EQ(job.cluster->gpu.name, "H100");
  EXPECT_EQ(job.layout.data, 8);
  EXPECT_EQ(job.micro_batches, 16);
  EXPECT_EQ(job.schedule.name, "1f1b");
  EXPECT_TRUE(published->ignored.empty());
}

// Interleaved 1F1B overlaps its hand-overs with compute, 1F1B does not.
TEST(PublishedJob, HandsOverAsItsScheduleDoes) {
  proto::PublishedTraining changed = training();
  changed.settings["pp"] = "2";
  changed.settings["schedule"] = "1f1b";
  EXPECT_EQ(published_job(changed, model_text)->job.p2p.mode, P2pMode::kBlocking);
  changed.settings["vpp"] = "2";
  changed.settings["schedule"] = "interleaved-1f1b";
  EXPECT_EQ(published_job(changed, model_text)->job.p2p.mode, P2pMode::kAsync);
}

TEST(PublishedJob, NamesColumnAndValueOfWhatCantBeSaid) {
  EXPECT_EQ(reason("gpu", "abacus"), "gpu is abacus; no file of it is known");
  EXPECT_EQ(reason("task", "lora"), "task is lora; a job trains all weights");
  EXPECT_EQ(reason("seq", ""), "seq was not published");
  EXPECT_EQ(reason("tp", "many"), "tp is many; allowed are whole numbers from 0 to 100000000");
  EXPECT_EQ(reason("dp", "3"), "dp is 3; the GPUs leave 8");
  EXPECT_EQ(reason("schedule", "zebra"), "schedule is zebra, which is unknown");
  EXPECT_EQ(reason("precision", "int4"), "precision is int4, which is unknown");
}

TEST(PublishedJob, NeedsTheExpertParallelismOfAModelWithExperts) {
  EXPECT_EQ(reason("ep", ""), "");
  EXPECT_EQ(reason("model", "deepseek-v3"), "ep was not published");
}

TEST(PublishedJob, NeedsALayoutOfAllStages) {
  EXPECT_EQ(reason("layout_string", "Et*32L"), "");
  EXPECT_EQ(reason("layout_string", "Et*16|t*16L"), "layout_string is Et*16|t*16L, of 2 stages; pp * vpp is 1");
}

TEST(PublishedJob, NamesColumnsThatItLeavesOut) {
  proto::PublishedTraining changed = training();
  changed.settings["weather"] = "sunny";
  changed.settings["optimizer"] = "muon";
  changed.settings["delay_wgrad"] = "1";  // excused
  const auto published = published_job(changed, model_text);
  ASSERT_TRUE(published.has_value());
  EXPECT_EQ(published->ignored, (std::vector<std::string>{"optimizer", "weather"}));
}

struct ColumnCase {
  const char* column;
  const char* value;
  std::function<bool(const Job&)> is_set;
};

// Every column that says what the framework does sets its field. B200: it has all formats.
TEST(PublishedJob, EveryColumnOfSoftwareSetsItsField) {
  proto::PublishedTraining plain = training();
  plain.settings["gpu"] = "B200";
  const auto before = published_job(plain, model_text);
  ASSERT_TRUE(before.has_value()) << before.error().message;
  const auto recipe = [](ProductRecipe wanted) {
    return [=](const Job& job) { return job.software->recipe == wanted; };
  };
  const auto captured = [](bool CapturedParts::*part) {
    return [=](const Job& job) { return job.software->graphs.*part; };
  };
  const auto recomputed = [](bool RecomputedParts::*part) {
    return [=](const Job& job) { return job.software->recompute.*part; };
  };
  const auto flag = [](bool Software::*field) { return [=](const Job& job) { return (*job.software).*field; }; };
  const auto dispatcher = [](Dispatcher wanted) {
    return [=](const Job& job) { return job.software->dispatcher == wanted; };
  };
  const auto gradients = [](Format wanted) {
    return [=](const Job& job) { return job.software->gradients == wanted; };
  };
  const auto gathered = [](const Job& job) { return job.software->gathered == Format::kFp8; };
  const ColumnCase cases[] = {
      {"software", "torchtitan", flag(&Software::sdpa)},
      {"software", "nemo", [](const Job& job) { return job.software->name == "nemo"; }},
      {"software", "megatron-deepspeed",
       [](const Job& job) { return job.attention_kernel == AttentionKernel::kUnfused; }},
      {"precision", "fp16", [](const Job& job) { return job.precision == Precision::kFp16; }},
      {"precision", "fp8-delayed", recipe(ProductRecipe::kDelayed)},
      {"precision", "fp8-tensorwise", recipe(ProductRecipe::kTensorwise)},
      {"precision", "fp8-rowwise", recipe(ProductRecipe::kRowwise)},
      {"precision", "fp8-blockwise", recipe(ProductRecipe::kBlockwise)},
      {"precision", "mxfp8", recipe(ProductRecipe::kMxfp8)},
      {"precision", "nvfp4", recipe(ProductRecipe::kNvfp4)},
      {"fp8_attention", "1", flag(&Software::eight_bit_attention)},
      {"notes", "FP8 output projection", flag(&Software::eight_bit_head)},
      {"cuda_graph", "full-iteration", captured(&CapturedParts::step)},
      {"cuda_graph", "attn+mlp", captured(&CapturedParts::attention)},
      {"cuda_graph", "attn+mlp", captured(&CapturedParts::mlp)},
      {"cuda_graph", "moe-router", captured(&CapturedParts::router)},
      {"cuda_graph", "moe-preprocess", captured(&CapturedParts::router)},
      {"cuda_graph", "layer", captured(&CapturedParts::attention)},
      {"cuda_graph", "layer", captured(&CapturedParts::router)},
      {"cuda_graph", "layer", captured(&CapturedParts::mlp)},
      {"recompute", "full:1", [](const Job& job) { return job.recompute == Recompute::kFull; }},
      {"recompute", "selective:core_attn", recomputed(&RecomputedParts::core_attention)},
      {"recompute", "selective:layernorm", recomputed(&RecomputedParts::norms)},
      {"recompute", "selective:moe_act", recomputed(&RecomputedParts::activations)},
      {"recompute", "selective:mlp", recomputed(&RecomputedParts::mlp)},
      {"recompute", "selective:mla_up_proj", recomputed(&RecomputedParts::up_projections)},
      {"recompute", "selective:moe", recomputed(&RecomputedParts::experts)},
      {"recompute", "selective:op", recomputed(&RecomputedParts::operators)},
      {"dispatcher", "hybridep", dispatcher(Dispatcher::kHybridEp)},
      {"dispatcher", "deepep", dispatcher(Dispatcher::kDeepEp)},
      {"dispatcher_sms", "7", [](const Job& job) { return job.cluster->comm_sms == 7; }},
      {"ep_overlap", "1", flag(&Software::overlap_experts)},
      {"notes", "fused grouped MLP", flag(&Software::fused_experts)},
      {"optimizer_precision", "grads=bf16;m=fp32", gradients(Format::kBf16)},
      {"optimizer_precision", "grads=fp16;m=fp32", gradients(Format::kFp16)},
      {"optimizer_precision", "grads=fp32;m=bf16", flag(&Software::low_precision_states)},
      {"notes", "FP8 param gather", gathered},
      {"notes", "FP8 params", gathered},
      {"notes", "FP4 param gather", gathered},
      {"fsdp", "1", [](const Job& job) { return job.zero_stage == 3; }},
      {"fsdp", "1", flag(&Software::overlap_gradients)},
      {"fsdp", "1", flag(&Software::overlap_weights)},
      {"overlap_grad_reduce", "1", flag(&Software::overlap_gradients)},
      {"overlap_param_gather", "1", flag(&Software::overlap_weights)},
      {"tp_overlap", "1", flag(&Software::overlap_tensor)},
      {"compile", "0", [](const Job& job) { return !job.software->compiled; }},
  };
  for (const ColumnCase& one : cases) {
    EXPECT_FALSE(one.is_set(before->job)) << one.column << " " << one.value;
    proto::PublishedTraining changed = plain;
    changed.settings[one.column] = one.value;
    const auto published = published_job(changed, model_text);
    ASSERT_TRUE(published.has_value()) << published.error().message;
    EXPECT_TRUE(one.is_set(published->job)) << one.column << " " << one.value;
  }
}

TEST(PublishedPrediction, TakesTheStepFromTokensPerSecond) {
  const PublishedPrediction prediction = predict_published(training(), model_text);
  ASSERT_TRUE(prediction.compared()) << prediction.reason;
  EXPECT_DOUBLE_EQ(*prediction.measured_seconds, 128 * 8192 / 8 / 10'000.0);
  EXPECT_TRUE(prediction.judged);
  EXPECT_GT(prediction.predicted_seconds, 5);
  EXPECT_LT(prediction.predicted_seconds, 20);
}

// What decides memory follows from the framework, its date and the remarks.
TEST(PublishedJob, SaysWhatTheFrameworkAllocates) {
  const auto software = [](const std::map<std::string, std::string>& settings) {
    proto::PublishedTraining changed = training();
    for (const auto& [column, value] : settings) changed.settings[column] = value;
    return *published_job(changed, model_text).value().job.software;
  };
  const Software megatron = software({{"software", "megatron-lm"}, {"notes", "CP by all-to-all; x"}});
  EXPECT_EQ(megatron.engine, StateEngine::kMegatron);
  EXPECT_EQ(megatron.loss, LossKernel::kFused);
  EXPECT_TRUE(megatron.dummy_gradients);
  EXPECT_TRUE(megatron.context_all_to_all);
  EXPECT_FALSE(megatron.query_key_norms);
  EXPECT_FALSE(software({{"software", "nemo-24.12"}}).dummy_gradients);
  const Software torchtitan = software({{"software", "torchtitan"}, {"date", "2024-12"}});
  EXPECT_EQ(torchtitan.engine, StateEngine::kFsdp);
  EXPECT_EQ(torchtitan.loss, LossKernel::kEager);
  EXPECT_EQ(software({{"software", "torchtitan"}, {"date", "2025-06"}}).loss, LossKernel::kCompiled);
  EXPECT_EQ(software({{"software", "torchtitan"}, {"date", "2025-06"}, {"compile", "0"}}).loss, LossKernel::kEager);
  const Software deepspeed = software({{"software", "megatron-deepspeed"}});
  EXPECT_EQ(deepspeed.engine, StateEngine::kDeepSpeed);
  EXPECT_EQ(deepspeed.loss, LossKernel::kEager);
}

// Megatron-Bridge prints allocated bytes / 1e9, torchtitan reserved GiB.
TEST(PublishedPrediction, KnowsWhatSoftwarePrints) {
  const auto memory = [](const std::string& software, const std::string& unit) {
    proto::PublishedTraining changed = training();
    changed.settings["software"] = software;
    changed.figures.push_back({"memory_max", 70, unit, "as printed by the software"});
    return predict_published(changed, model_text).memory.front();
  };
  EXPECT_EQ(memory("megatron-bridge", "GiB").counter, "allocated");
  EXPECT_DOUBLE_EQ(memory("megatron-bridge", "GiB").measured, 70e9);
  EXPECT_EQ(memory("torchtitan", "GiB").counter, "reserved");
  EXPECT_DOUBLE_EQ(memory("torchtitan", "GiB").measured, 70.0 * 1024 * 1024 * 1024);
  const MemoryComparison seen = memory("megatron-bridge", "GB");
  EXPECT_EQ(seen.rank, 0);
  EXPECT_DOUBLE_EQ(seen.predicted, static_cast<double>(seen.parts.allocated()));
}

TEST(PublishedPrediction, ComparesMemoryWithItsCounter) {
  proto::PublishedTraining changed = training();
  changed.figures.push_back({"memory_gib_max", 70, "GiB", "reserved"});
  const PublishedPrediction prediction = predict_published(changed, model_text);
  ASSERT_EQ(prediction.memory.size(), 1u);
  EXPECT_EQ(prediction.memory.front().counter, "reserved");
  EXPECT_DOUBLE_EQ(prediction.memory.front().measured, 70.0 * 1024 * 1024 * 1024);
}

}  // namespace
}  // namespace pipeloom::planner
