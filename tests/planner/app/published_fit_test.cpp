#include "planner/app/published_fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "proto/base/files.h"
#include "proto/job/training_rates_files.h"

namespace pipeloom::planner {
namespace {

Result<std::string> model_text(const std::string& name) {
  return proto::read_file(std::string(PIPELOOM_TEST_DATA) + "/published/models/" + name + ".json");
}

// Llama 3 8B on H100, whose step takes what these constants say.
FitRow row_of(int micro_batch, const std::string& precision, const ConstantFactors& truth) {
  proto::PublishedTraining training;
  training.id = precision + std::to_string(micro_batch);
  training.settings = {{"model", "llama3-8b"},
                       {"gpu", "H100"},
                       {"num_gpus", "8"},
                       {"gpus_per_node", "8"},
                       {"tp", "1"},
                       {"pp", "1"},
                       {"seq", "8192"},
                       {"global_batch", "128"},
                       {"schedule", "no-pipeline"},
                       {"precision", precision},
                       {"micro_batch", std::to_string(micro_batch)}};
  auto published = published_job(training, model_text);
  EXPECT_TRUE(published.has_value()) << published.error().message;
  FitRow row = {training, published->job, 1, true, 1};
  row.job.software->rates = proto::published_training_rates("H100").value();
  row.measured_seconds = 1 + fit_error(row, truth);
  return row;
}

std::vector<FitRow> rows_of(const ConstantFactors& truth) {
  std::vector<FitRow> rows;
  for (const char* precision : {"bf16", "fp8-tensorwise"}) {
    for (const int micro_batch : {1, 2, 4}) rows.push_back(row_of(micro_batch, precision, truth));
  }
  return rows;
}

TEST(PublishedFit, MakesTheErrorsOfItsRowsSmall) {
  const std::vector<FitRow> rows = rows_of({{"memory", 0.6}, {"clock-hopper", 0.9}});
  const ConstantFactors fitted = fit_constants(rows, {});
  for (const FitRow& row : rows) {
    EXPECT_GT(std::abs(fit_error(row, {})), 0.05);
    EXPECT_LT(std::abs(fit_error(row, fitted)), 0.02);
  }
}

TEST(PublishedFit, HoldsConstants) {
  const std::vector<FitRow> rows = rows_of({{"memory", 0.6}});
  const ConstantFactors fitted = fit_constants(rows, {.known = {{"memory", 0.8}}, .held = {"memory"}});
  EXPECT_DOUBLE_EQ(fitted.at("memory"), 0.8);
}

// Rows of 8 bits take what no row of 16 bits says: left out, they are predicted as published rates say.
TEST(PublishedFit, LeavesWholeGroupsOut) {
  const std::vector<FitRow> rows = rows_of({{"products-fp8", 0.8}});
  const LeftOut left = leave_out(rows, {}, {"precision"});
  ASSERT_EQ(left.rows.size(), rows.size());
  for (size_t i = 0; i < left.rows.size(); ++i) {
    if (left.rows[i]->training.text("precision") == "bf16") continue;
    EXPECT_NEAR(left.errors[i], fit_error(*left.rows[i], {}), 0.02);
    EXPECT_LT(left.errors[i], -0.05);
  }
}

// An error of one row can't be told from luck.
TEST(PublishedFit, GivesNoIntervalFromAFewRows) {
  const std::vector<FitRow> rows = rows_of({{"memory", 0.6}});
  const LeftOut left = leave_out(rows, {}, {"precision", "micro_batch"});
  const FittedConstants fitted = with_errors_of(left, {});
  EXPECT_TRUE(fitted.dense_errors.known());
  EXPECT_FALSE(fitted.expert_errors.known());
}

}  // namespace
}  // namespace pipeloom::planner
