#include "planner/validate/iterations.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "proto/job/gpu_files.h"
#include "proto/job/measured_iterations.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::planner {
namespace {

std::vector<MeasuredIteration> measured_on_a100() {
  const std::string path = std::string(PIPELOOM_TEST_DATA) + "/cases/a100_iterations.csv";
  return proto::parse_measured_iterations(path, tests::content_of(path)).value();
}

// vTrain's own simulator: 8.37 % and 14.73 % (MICRO'24).
TEST(Iterations, OfA100sArePredicted) {
  const Gpu gpu = proto::find_gpu("A100-80GB").value();
  struct Sum {
    double error = 0;
    int rows = 0;
  };
  std::map<std::string, Sum> sums;
  for (const MeasuredIteration& measured : measured_on_a100()) {
    const auto seconds = predicted_seconds(measured, gpu);
    ASSERT_TRUE(seconds.has_value()) << seconds.error().message;
    sums[measured.setting].error += std::abs(*seconds / measured.seconds - 1);
    ++sums[measured.setting].rows;
  }
  ASSERT_EQ(sums["single-node"].rows, 540);
  ASSERT_EQ(sums["multi-node"].rows, 73);
  EXPECT_LT(sums["single-node"].error / 540, 0.08);
  EXPECT_LT(sums["multi-node"].error / 73, 0.11);
}

MeasuredIteration small() {
  return {.setting = "single-node",
          .gpus = 8,
          .global_batch = 16,
          .micro_batch = 2,
          .hidden = 1024,
          .heads = 16,
          .layers = 24,
          .sequence = 1024,
          .tensor = 2,
          .data = 2,
          .pipeline = 2,
          .seconds = 1};
}

TEST(Iterations, JobIsWhatWasMeasured) {
  const Job job = job_of(small(), proto::find_gpu("A100-80GB").value()).value();
  EXPECT_EQ(job.micro_batches, 4);
  EXPECT_EQ(job.layout.layers_per_stage, (std::vector<int>{12, 12}));
  EXPECT_EQ(job.cluster->nodes, 1);
  EXPECT_EQ(job.model->attention.head_dim, 64);
}

TEST(Iterations, RefuseALayoutThatDoesNotMultiplyToTheGpus) {
  MeasuredIteration measured = small();
  measured.data = 3;
  const auto seconds = predicted_seconds(measured, proto::find_gpu("A100-80GB").value());
  ASSERT_FALSE(seconds.has_value());
  EXPECT_NE(seconds.error().message.find("the cluster has 8 GPUs"), std::string::npos) << seconds.error().message;
}

}  // namespace
}  // namespace pipeloom::planner
