#include "proto/megatron/job_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/job/gpu_files.h"
#include "proto/job/job_io.h"
#include "proto/megatron/launch.h"

namespace pipeloom::proto {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

MegatronMachine machine(int nodes, int gpus_per_node) {
  MegatronMachine machine;
  machine.cluster.gpu = *find_gpu("H100");
  machine.cluster.nic_bytes_per_s = 50e9;
  machine.nodes = nodes;
  machine.gpus_per_node = gpus_per_node;
  return machine;
}

Result<MegatronJob> read(const std::string& text, int gpus, const std::vector<std::string>& appended = {}) {
  return job_from_megatron("run.sh", text, machine(std::max(gpus / 8, 1), std::min(gpus, 8)), appended);
}

MegatronJob job_of(const std::string& text, int gpus) {
  auto job = read(text, gpus);
  EXPECT_TRUE(job) << job.error().message;
  return job ? *std::move(job) : MegatronJob();
}

// A small GPT, as few options as Megatron-LM needs.
const std::string kSmall =
    "--num-layers 8 --hidden-size 1024 --num-attention-heads 16 --seq-length 2048 --max-position-embeddings 2048 "
    "--micro-batch-size 2 --vocab-size 50257 --bf16 ";

TEST(MegatronJob, LeftOutOptionsHaveMegatronsDefaults) {
  const MegatronJob read = job_of(kSmall, 4);
  const Model& model = *read.job.model;
  EXPECT_EQ(model.family, "gpt");
  EXPECT_EQ(model.intermediate, 4096);
  EXPECT_EQ(model.attention.head_dim, 64);
  EXPECT_EQ(model.attention.kv_heads, 16);
  EXPECT_EQ(model.vocabulary, 50304);  // a multiple of 128
  EXPECT_EQ(model.learned_positions, 2048);
  EXPECT_FALSE(model.gated_mlp);
  EXPECT_TRUE(model.mlp_bias && model.attention.bias && model.tied_embedding && model.dropout);
  EXPECT_EQ(read.job.layout.data, 4);
  EXPECT_EQ(read.job.batch.global_batch, 8);  // one micro-batch each
  EXPECT_EQ(read.job.zero_stage, 0);
  EXPECT_EQ(read.job.clipping, Clipping::kGlobal);
  EXPECT_EQ(read.job.attention_kernel, AttentionKernel::kFused);
  EXPECT_EQ(read.job.schedule.name, "1f1b");
  EXPECT_THAT(read.job.layout.layers_per_stage, ElementsAre(8));
  EXPECT_THAT(read.unused, IsEmpty());
  EXPECT_THAT(read.notes, IsEmpty());
  const MegatronJob gated = job_of(kSmall + "--swiglu --hidden-size 2048", 1);
  EXPECT_EQ(gated.job.model->intermediate, 5440);  // 2048 * 8 / 3 in units of 64
}

// clang-format off
constexpr std::string_view kScript = R"sh(#!/bin/bash
GPUS=4
NODES=${NNODES:-"2"}
TP=2
LAYERS=12
LAUNCH=(--nproc_per_node $GPUS --nnodes $NODES --master_addr localhost)
MODEL=(
    --num-layers $LAYERS
    --hidden-size 1024 --num-attention-heads 16   # heads
    --seq-length 4096 --max-position-embeddings 4096 --position-embedding-type rope
    --group-query-attention --num-query-groups 4
    --swiglu --ffn-hidden-size 2816 --disable-bias-linear --untie-embeddings-and-output-weights
    --attention-dropout 0.0 --hidden-dropout 0.0
    --num-experts 8 --moe-router-topk 2 --moe-ffn-hidden-size 704
    --moe-shared-expert-intermediate-size 1408 --moe-layer-freq "([0]+[1]*$(($LAYERS-1)))"
)
if [ "$1" = big ]; then
  MODEL+=(--hidden-size 4096)
fi
torchrun ${LAUNCH[@]} pretrain_gpt.py ${MODEL[@]} --bf16 --lr 1e-4 --micro-batch-size 1 --global-batch-size 64 \
    --tensor-model-parallel-size $TP --pipeline-model-parallel-size 2 --sequence-parallel \
    --expert-model-parallel-size 2 --expert-tensor-parallel-size 1 --use-distributed-optimizer --vocab-size 32000
)sh";
// clang-format on

TEST(MegatronJob, AScriptIsReadWithItsVariables) {
  const MegatronMachine unknown = {machine(1, 1).cluster, {}, {}};
  const auto job = job_from_megatron("run.sh", kScript, unknown, {});
  ASSERT_TRUE(job) << job.error().message;
  const Job& it = job->job;
  EXPECT_EQ(it.cluster->nodes, 2);
  EXPECT_EQ(it.cluster->gpus_per_node, 4);
  EXPECT_EQ(it.layout.data, 2);
  EXPECT_EQ(it.layout.tensor, 2);
  EXPECT_EQ(it.layout.expert, 2);
  EXPECT_EQ(it.micro_batches, 32);
  EXPECT_EQ(it.zero_stage, 1);
  EXPECT_EQ(it.model->hidden, 1024);
  EXPECT_EQ(it.model->attention.kv_heads, 4);
  EXPECT_EQ(it.model->vocabulary, 32000);
  EXPECT_EQ(it.model->moe->shared_experts, 2);
  EXPECT_EQ(it.model->moe->first_dense_layers, 1);
  EXPECT_FALSE(it.model->dropout || it.model->mlp_bias || it.model->attention.bias || it.model->tied_embedding);
  EXPECT_THAT(it.layout.layers_per_stage, ElementsAre(6, 6));
  EXPECT_EQ(it.p2p.mode, P2pMode::kBlocking);
  EXPECT_THAT(job->unused, ElementsAre("--lr", "--master-addr"));
  EXPECT_THAT(job->notes, ElementsAre(HasSubstr("conditions and loops is left out (line 17)")));
}

std::vector<int> stages(const std::string& options, int layers = 8) {
  const auto read = job_of(kSmall + "--num-layers " + std::to_string(layers) + " --pipeline-model-parallel-size 4 " +
                               "--global-batch-size 64 " + options,
                           4);
  return read.job.layout.layers_per_stage;
}

TEST(MegatronJob, LayersAreDividedAsMegatronDividesThem) {
  EXPECT_THAT(stages(""), ElementsAre(2, 2, 2, 2));
  EXPECT_THAT(stages("--decoder-first-pipeline-num-layers 1 --decoder-last-pipeline-num-layers 3"),
              ElementsAre(1, 2, 2, 3));
  EXPECT_THAT(stages("--account-for-embedding-in-pipeline-split --account-for-loss-in-pipeline-split", 10),
              ElementsAre(2, 3, 3, 2));
  EXPECT_THAT(stages("--num-virtual-stages-per-pipeline-rank 2"), ElementsAre(1, 1, 1, 1, 1, 1, 1, 1));
  EXPECT_THAT(stages("--num-layers-per-virtual-pipeline-stage 1", 12), ElementsAreArray(std::vector<int>(12, 1)));
  EXPECT_THAT(stages("--pipeline-model-parallel-layout 'Et|(tt|)*3t*0|t||L'"), ElementsAre(1, 2, 2, 2, 0, 1, 0, 0));
}

TEST(MegatronJob, StagesSayWhichSchedule) {
  const auto schedule = [](const std::string& options) {
    return job_of(kSmall +
                      "--pipeline-model-parallel-size 2 --global-batch-size 64 --num-experts 4 "
                      "--expert-model-parallel-size 2 " +
                      options,
                  4)
        .job;
  };
  const Job virtual_stages = schedule("--num-virtual-stages-per-pipeline-rank 2");
  EXPECT_EQ(virtual_stages.schedule.name, "interleaved-1f1b");
  EXPECT_EQ(virtual_stages.schedule.chunks, 2);
  EXPECT_EQ(virtual_stages.p2p.mode, P2pMode::kAsync);
  const Job overlapped = schedule(
      "--num-virtual-stages-per-pipeline-rank 4 --overlap-moe-expert-parallel-comm "
      "--microbatch-group-size-per-virtual-pipeline-stage 4 --no-overlap-p2p-communication");
  EXPECT_EQ(overlapped.schedule.name, "interleaved-1f1b-moe-overlap");
  EXPECT_EQ(overlapped.schedule.group, 4);
  EXPECT_EQ(overlapped.p2p.mode, P2pMode::kBlocking);
}

TEST(MegatronJob, MemoryOptionsAreRead) {
  const auto job = [](const std::string& options) { return job_of(kSmall + options, 4).job; };
  EXPECT_EQ(job("--fp8-format hybrid").precision, Precision::kFp8);
  EXPECT_EQ(job("--recompute-granularity full --recompute-method uniform --recompute-num-layers 1").recompute,
            Recompute::kFull);
  EXPECT_EQ(job("--recompute-activations --attention-backend unfused").recompute, Recompute::kSelective);
  EXPECT_EQ(job("--transformer-impl local").attention_kernel, AttentionKernel::kUnfused);
  EXPECT_EQ(job("--transformer-impl local --use-flash-attn").attention_kernel, AttentionKernel::kFused);
  EXPECT_EQ(job("--recompute-activations").recompute, Recompute::kNone);
  EXPECT_EQ(job("--recompute-granularity selective --recompute-modules layernorm core_attn").recompute,
            Recompute::kSelective);
  EXPECT_EQ(job("--use-megatron-fsdp --data-parallel-sharding-strategy optim_grads").zero_stage, 2);
  EXPECT_EQ(job("--use-torch-fsdp2").zero_stage, 3);
  EXPECT_TRUE(job("--optimizer-cpu-offload --optimizer-offload-fraction 1.0").offload.optimizer);
  EXPECT_EQ(job("--clip-grad 0.0").clipping, Clipping::kNone);
  EXPECT_EQ(job("--clip-grad 0.5").clip_norm, 0.5);
}

TEST(MegatronJob, WhatIsWrongIsNamedWithItsLine) {
  const auto problem = [](const std::string& options, int gpus = 4) {
    const auto job = read(kSmall + "\n" + options, gpus);
    EXPECT_FALSE(job) << options;
    return job ? "" : job.error().message;
  };
  EXPECT_EQ(problem("--num-layers many"),
            "run.sh: --num-layers (line 2) is many; allowed are whole numbers from 1 to 100000000");
  EXPECT_EQ(problem("--num-layers $LAYERS"),
            "run.sh: --num-layers (line 2) is $LAYERS; allowed are whole numbers from 1 to 100000000");
  EXPECT_EQ(problem("--hidden-size --swiglu"), "run.sh: --hidden-size (line 2) has no value");
  EXPECT_THAT(problem("--num-layers 1000000"), HasSubstr("model.layers is 1000000; allowed are 1 to 10000"));
  EXPECT_THAT(problem("--tensor-model-parallel-size 3"), HasSubstr("4 GPUs; they must be a multiple of tensor (3)"));
  EXPECT_THAT(problem("--tensor-model-parallel-size 100000000 --context-parallel-size 100000000"),
              HasSubstr("4 GPUs; they must be a multiple"));
  EXPECT_THAT(problem("--num-experts 4 --tensor-model-parallel-size 2"),
              HasSubstr("--expert-tensor-parallel-size is missing; allowed is 1"));
  EXPECT_THAT(problem("--num-experts 4 --moe-layer-freq [1,0]*3"),
              HasSubstr("--moe-layer-freq (line 2) is [1,0]*3; it has"));
  EXPECT_THAT(problem("--pipeline-model-parallel-size 4 --global-batch-size 64 --num-layers 9"),
              HasSubstr("is 9; it must be a multiple of --pipeline-model-parallel-size (4)"));
  EXPECT_THAT(problem("--pipeline-model-parallel-size 2 --num-virtual-stages-per-pipeline-rank 90000000"),
              HasSubstr("allowed are 1 to 8"));
  EXPECT_THAT(problem("--pipeline-model-parallel-layout Et*8"), HasSubstr("must end with its only L"));
  EXPECT_THAT(problem("--recompute-granularity full --recompute-method block"), HasSubstr("allowed is uniform"));
  EXPECT_THAT(problem("--recompute-granularity selective --recompute-modules mlp"), HasSubstr("allowed are core_attn"));
  EXPECT_THAT(problem("--global-batch-size 7"), HasSubstr("global_batch"));
  EXPECT_THAT(problem("--optimizer-cpu-offload --optimizer-offload-fraction 0.5"), HasSubstr("allowed is 1"));
  EXPECT_THAT(read("--num-layers 4 --hidden-size 64 --num-attention-heads 4", 1).error().message,
              HasSubstr("-- --vocab-size 128256"));
  EXPECT_THAT(read("--bf16", 1).error().message, HasSubstr("--num-layers is missing"));
}

TEST(MegatronJob, AppendedArgumentsComeLast) {
  const auto job = read(kSmall, 4, {"--hidden-size", "2048", "--vocab-size=1000"});
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_EQ(job->job.model->hidden, 2048);
  EXPECT_EQ(job->job.model->vocabulary, 1024);
}

TEST(MegatronJob, MtpLossesWeighATenthUnlessTheScriptSaysMore) {
  const auto weight = [](const char* option) {
    const auto job = read(std::string(kSmall) + " --mtp-num-layers 1" + option, 4);
    EXPECT_TRUE(job) << job.error().message;
    return job->job.model->mtp_loss_weight;
  };
  EXPECT_EQ(weight(""), 0.1);
  EXPECT_EQ(weight(" --mtp-loss-scaling-factor 0.3"), 0.3);
}

// What Pipeloom exports is read as the job that it was.
TEST(MegatronJob, ComesBackFromItsOwnArguments) {
  for (const char* sample : {"deepseek-v3", "llama-3-405b", "gpt3-175b", "tiny-moe"}) {
    auto job = read_job(std::string(PIPELOOM_SOURCE "/samples/") + sample + ".txtpb");
    ASSERT_TRUE(job) << job.error().message;
    job->zero_stage = std::min(job->zero_stage, 1);
    job->recompute = std::string(sample) == "llama-3-405b" ? Recompute::kFull : job->recompute;
    job->attention_kernel = std::string(sample) == "gpt3-175b" ? AttentionKernel::kUnfused : job->attention_kernel;
    job->offload.optimizer = std::string(sample) == "gpt3-175b";
    if (job->model->mtp_depth > 0) job->model->mtp_loss_weight = 0.25;
    job->model->attention.bias = job->model->attention.bias || std::string(sample) == "llama-3-405b";
    if (std::string(sample) == "tiny-moe") {  // experts whole under tensor parallelism
      job->layout.pipeline = 2;
      job->layout.tensor = 2;
    }
    const int ranks = job->layout.pipeline;
    for (const int chunks : {1, 2}) {
      job->schedule = {};
      job->schedule.name = chunks == 1 ? "1f1b" : "interleaved-1f1b";
      job->schedule.chunks = chunks == 1 ? 0 : 2;
      std::vector<int>& layers = job->layout.layers_per_stage;
      layers.assign(static_cast<size_t>(ranks * chunks), 0);
      for (int layer = 0; layer < job->model->layers; ++layer) ++layers[static_cast<size_t>(layer % (ranks * chunks))];
      job->p2p.mode = chunks == 1 && ranks > 1 ? P2pMode::kBlocking : P2pMode::kAsync;
      const auto placement = chunks == 1 ? Placement::linear(ranks) : Placement::looped(ranks, chunks);
      ASSERT_TRUE(placement);
      const auto launch = megatron_launch(*job, job->schedule.name, *placement, layers);
      ASSERT_TRUE(launch) << launch.error().message;
      const auto again = job_from_megatron("arguments.txt", launch->arguments, {*job->cluster, {}, {}}, {});
      ASSERT_TRUE(again) << sample << ": " << again.error().message;
      Job expected = *job;
      expected.name.clear();
      expected.references.clear();
      expected.measured_layers.clear();
      expected.variation = {};
      expected.model->family = again->job.model->family;
      const int unit = 128 * job->layout.tensor;
      expected.model->vocabulary = (job->model->vocabulary + unit - 1) / unit * unit;
      EXPECT_EQ(job_to_text(again->job), job_to_text(expected)) << launch->arguments;
      EXPECT_TRUE(again->job == expected);
      EXPECT_THAT(again->unused, IsEmpty());
      EXPECT_THAT(again->notes, IsEmpty());
    }
  }
}

}  // namespace
}  // namespace pipeloom::proto
