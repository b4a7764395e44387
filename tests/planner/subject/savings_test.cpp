#include "planner/subject/savings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "proto/job/training_rates_files.h"
#include "tests/support/models.h"

namespace pipeloom::planner {
namespace {

std::map<std::string, Saving> savings_of(const Subject& subject) {
  std::map<std::string, Saving> savings;
  const std::vector<Saving> found = option_savings(subject).value();
  for (const Saving& saving : found) savings[saving.option] = saving;
  return savings;
}

// The order of components that a plan has is no option's merit.
TEST(Savings, AreTheSameForATunedPlan) {
  Job job = tests::deepseek_v3_job();
  job.schedule.name = "dualpipe";
  const Subject tuned = plan_overlap(subject_of(job).value(), job.cluster->comm_sms).value();
  job.layout.layers_per_stage = tuned.evaluation.costs.layers_per_stage;
  const Subject plain = subject_of(job).value();
  ASSERT_NE(tuned.evaluation.end.step_ns, plain.evaluation.end.step_ns);
  const auto expected = savings_of(plain);
  ASSERT_FALSE(expected.empty());
  for (const auto& [option, saving] : savings_of(tuned)) {
    EXPECT_EQ(saving.step_ns, expected.at(option).step_ns) << option;
    EXPECT_EQ(saving.peak_bytes, expected.at(option).peak_bytes) << option;
  }
}

TEST(Savings, TellWhatSoftwareSaves) {
  Job job = tests::deepseek_v3_job();
  job.schedule.name = "1f1b";
  job.recompute = Recompute::kNone;
  Software& software = job.software.emplace();
  software.rates = proto::find_training_rates("H800").value();
  EXPECT_TRUE(savings_of(subject_of(job).value()).contains("dispatch in FP8"));
  software.recipe = ProductRecipe::kBlockwise;
  software.gradients = Format::kBf16;
  software.graphs.attention = true;
  software.overlap_gradients = true;
  software.recompute.up_projections = true;
  const auto savings = savings_of(subject_of(job).value());
  EXPECT_GT(savings.at("products in fp8-blockwise").step_ns, 0);
  EXPECT_GT(savings.at("gradients in BF16").peak_bytes, 0);
  EXPECT_GT(savings.at("CUDA graphs").step_ns, 0);
  EXPECT_GT(savings.at("gradients reduced beside the backward pass").step_ns, 0);
  EXPECT_GT(savings.at("mla_up_proj recomputed").peak_bytes, 0);
  EXPECT_LT(savings.at("mla_up_proj recomputed").step_ns, 0);
  EXPECT_FALSE(savings.contains("fused experts"));
}

}  // namespace
}  // namespace pipeloom::planner
