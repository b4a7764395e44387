#include "core/job/software_presets.h"

#include <gtest/gtest.h>

#include "proto/job/job_io.h"
#include "proto/job/training_rates_files.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::proto {
namespace {

Result<Job> read_text(const std::string& text) {
  const tests::TempFolder folder;
  return read_job(folder.file("job.txtpb", text));
}

Result<Job> job_with(const std::string& software) {
  return read_text(R"(
      model { family: "llama" layers: 4 hidden: 1024 intermediate: 4096 vocabulary: 32000 attention { heads: 8 kv_heads: 8 } }
      cluster { gpu: "H100" nodes: 1 gpus_per_node: 8 nic_gbytes_per_s: 50 }
      layout { pipeline: 4 data: 2 }
      batch { sequence_length: 4096 micro_batch_size: 1 global_batch: 16 })" +
                   software);
}

TEST(SoftwarePresets, SetWhatTheirFrameworkDoes) {
  const auto job = job_with(R"(software { preset: "torchtitan" })");
  ASSERT_TRUE(job.has_value()) << job.error().message;
  EXPECT_EQ(job->software->name, "torchtitan");
  EXPECT_EQ(job->software->engine, StateEngine::kFsdp);
  EXPECT_TRUE(job->software->overlap_gradients);
  EXPECT_EQ(job->software->rates.gpu, "H100");
}

// Also a flag that the preset turns on.
TEST(SoftwarePresets, GiveWayToWhatTheJobSays) {
  const auto job = job_with(R"(software { preset: "torchtitan" name: "mine" overlap_gradients: false recipe: MXFP8 })");
  ASSERT_TRUE(job.has_value()) << job.error().message;
  EXPECT_EQ(job->software->name, "mine");
  EXPECT_FALSE(job->software->overlap_gradients);
  EXPECT_TRUE(job->software->overlap_weights);
  EXPECT_EQ(job->software->recipe, ProductRecipe::kMxfp8);
}

TEST(SoftwarePresets, AreAllSane) {
  for (const SoftwarePreset& preset : software_presets()) {
    Software software = software_preset(std::string(preset.name)).value();
    software.rates = find_training_rates("B200").value();
    EXPECT_TRUE(check_software(software)) << preset.name;
    EXPECT_FALSE(preset.summary.empty());
  }
}

TEST(SoftwarePresets, OfUnknownNamesAreRefused) {
  const auto job = job_with(R"(software { preset: "abacus" })");
  ASSERT_FALSE(job.has_value());
  EXPECT_NE(job.error().message.find("software.preset is abacus; allowed are megatron-lm, megatron-bridge"),
            std::string::npos)
      << job.error().message;
}

// A job's text has every field, so that it stays what it was when a preset changes.
TEST(SoftwarePresets, AreWrittenOut) {
  const auto job = job_with(R"(software { preset: "deepseek" overlap_experts: false })");
  ASSERT_TRUE(job.has_value()) << job.error().message;
  const auto again = read_text(job_to_text(*job));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(*again->software, *job->software);
  EXPECT_EQ(job_to_text(*job).find("preset"), std::string::npos);
}

}  // namespace
}  // namespace pipeloom::proto
