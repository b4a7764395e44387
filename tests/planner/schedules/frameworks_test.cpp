#include "planner/schedules/frameworks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/models.h"

namespace pipeloom::planner {
namespace {

using testing::HasSubstr;

// Why a framework can't run a job with a schedule; empty if it can.
std::string refusal(const char* framework, const Job& job, const char* schedule) {
  const Status status = find_framework(framework).value()->check(job, *find_schedule(schedule).value());
  return status ? "" : status.error().message;
}

// DeepSeek-V3 on 4 ranks with software: 16 micro-batches.
Job deepseek() {
  Job job = tests::deepseek_v3_job();
  job.software.emplace();
  job.layout.pipeline = 4;
  job.micro_batches = 16;
  return job;
}

TEST(Frameworks, MegatronHasItsOwnSchedules) {
  EXPECT_EQ(refusal("megatron", deepseek(), "1f1b"), "");
  EXPECT_EQ(refusal("megatron", deepseek(), "interleaved-1f1b"), "");
  EXPECT_EQ(refusal("megatron", deepseek(), "dualpipe"),
            "Megatron-LM has no such schedule; it has 1f1b, interleaved-1f1b, interleaved-1f1b-moe-overlap");
}

TEST(Frameworks, MegatronInterleavesWholeGroups) {
  Job job = deepseek();
  job.micro_batches = 18;
  EXPECT_EQ(refusal("megatron", job, "1f1b"), "");
  EXPECT_EQ(refusal("megatron", job, "interleaved-1f1b"),
            "Megatron-LM interleaves multiples of the ranks (4); there are 18 micro-batches");
  job.layout.pipeline = 1;
  EXPECT_EQ(refusal("megatron", job, "interleaved-1f1b"), "Megatron-LM interleaves from 2 ranks on");
}

TEST(Frameworks, MegatronCombinesPassesIfTheJobOverlapsExperts) {
  Job job = deepseek();
  EXPECT_THAT(refusal("megatron", job, "interleaved-1f1b-moe-overlap"), HasSubstr("software.overlap_experts"));
  job.software->overlap_experts = true;
  EXPECT_EQ(refusal("megatron", job, "interleaved-1f1b-moe-overlap"), "");
  EXPECT_THAT(refusal("megatron", job, "1f1b"), HasSubstr("interleaved-1f1b-moe-overlap"));
  job.layout.pipeline = 1;
  EXPECT_EQ(refusal("megatron", job, "1f1b"), "");
}

TEST(Frameworks, MegatronDividesHeadsAndSequences) {
  Job job = deepseek();
  job.model = tests::mixtral_8x7b();  // 8 groups of keys
  job.layout.tensor = 4;
  EXPECT_EQ(refusal("megatron", job, "1f1b"), "");
  job.layout.sequence_parallel = false;
  EXPECT_THAT(refusal("megatron", job, "1f1b"), HasSubstr("sequence_parallel"));
  job.layout.sequence_parallel = true;
  job.layout.tensor = 6;
  EXPECT_THAT(refusal("megatron", job, "1f1b"), HasSubstr("kv_heads"));
  job.layout.tensor = 1;
  job.layout.context = 3;
  EXPECT_THAT(refusal("megatron", job, "1f1b"), HasSubstr("2 * layout.context"));
}

TEST(Frameworks, TorchtitanHasPyTorchsSchedules) {
  for (const char* schedule :
       {"gpipe", "1f1b", "looped-bfs", "interleaved-1f1b", "interleaved-zb", "zb-v-pytorch", "dualpipev"}) {
    EXPECT_EQ(refusal("torchtitan", deepseek(), schedule), "") << schedule;
  }
  EXPECT_THAT(refusal("torchtitan", deepseek(), "zb-h2"), HasSubstr("torchtitan has no such schedule"));
}

TEST(Frameworks, PipeloomRunsAll) {
  for (const NamedSchedule& named : named_schedules()) {
    EXPECT_EQ(refusal("pipeloom", deepseek(), std::string(named.name).c_str()), "") << named.name;
  }
}

TEST(Frameworks, AnUnknownNameListsThem) {
  EXPECT_EQ(find_framework("megatrom").error().message,
            "--for is megatrom; allowed are megatron, torchtitan, pipeloom");
  EXPECT_EQ(find_framework("").value(), nullptr);
}

}  // namespace
}  // namespace pipeloom::planner
