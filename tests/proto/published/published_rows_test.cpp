#include "proto/published/published_rows.h"

#include <gtest/gtest.h>

namespace pipeloom::proto {
namespace {

constexpr const char* kHeader = "id,model,gpu,num_gpus,tp,metric,value,unit,memory_counter\n";

std::string error_of(const std::string& csv) {
  const auto trainings = parse_published("a.csv", csv);
  return trainings ? "" : trainings.error().message;
}

TEST(PublishedRows, OfOneIdAreOneTraining) {
  const auto trainings = parse_published("a.csv", std::string(kHeader) +
                                                      "run,llama,H100,8,,step_s,1.5,s,\n"
                                                      "other,llama,H100,8,2,step_s,2,s,\n"
                                                      "run,llama,H100,8,,memory_gib_max,40,GiB,allocated\n");
  ASSERT_TRUE(trainings.has_value()) << trainings.error().message;
  ASSERT_EQ(trainings->size(), 2u);
  const PublishedTraining& run = trainings->front();
  EXPECT_EQ(run.id, "run");
  EXPECT_EQ(run.text("num_gpus"), "8");
  EXPECT_EQ(run.settings.count("tp"), 0u);
  EXPECT_EQ(run.settings.count("value"), 0u);
  ASSERT_EQ(run.figures.size(), 2u);
  EXPECT_EQ(run.figures[0].value, 1.5);
  EXPECT_EQ(run.figures[1].counter, "allocated");
}

TEST(PublishedRows, NameLineAndValueOfWhatIsWrong) {
  EXPECT_EQ(error_of("id,model\n"), "a.csv:1: the header has no column gpu");
  EXPECT_EQ(error_of(std::string(kHeader) + "run,llama\n"), "a.csv:2: 2 cells; the header has 9");
  EXPECT_EQ(error_of(std::string(kHeader) + "run,llama,H100,8,,step_s,fast,s,\n"),
            "a.csv:2: value is \"fast\"; allowed are numbers above 0");
  EXPECT_EQ(error_of(""), "a.csv:1: the header is missing");
}

}  // namespace
}  // namespace pipeloom::proto
