#include "proto/job/fitted_constants.h"

#include <gtest/gtest.h>

#include "proto/job/training_rates_files.h"

namespace pipeloom::proto {
namespace {

TEST(FittedConstants, AreInTheRatesThatJobsGet) {
  const TrainingRates published = published_training_rates("H100").value();
  const TrainingRates fitted = find_training_rates("H100").value();
  EXPECT_EQ(fitted, with_fitted(published, known_fitted_constants()));
  EXPECT_NE(fitted.memory_efficiency, published.memory_efficiency);
  EXPECT_TRUE(fitted.dense_errors.known());
  EXPECT_TRUE(fitted.expert_errors.known());
}

TEST(FittedConstants, SurviveTheirText) {
  const FittedConstants fitted = {{{"attention", 1.25}, {"memory", 0.5}}, {-0.0625, 0.125, 0.25}, {}};
  const auto again = parse_fitted_constants("a file", fitted_constants_to_text(fitted));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->factors, fitted.factors);
  EXPECT_EQ(again->dense_errors, fitted.dense_errors);
  EXPECT_FALSE(again->expert_errors.known());
}

TEST(FittedConstants, NameTheFileThatIsWrong) {
  const auto error = [](const std::string& text) { return parse_fitted_constants("mine", text).error().message; };
  EXPECT_EQ(error("constant { name: \"luck\" factor: 1 }"), "mine: constant luck is unknown");
  EXPECT_EQ(error("constant { name: \"memory\" }"), "mine: factor of the constant memory is 0; allowed are 0.3 to 1.2");
  EXPECT_EQ(error("constant { name: \"memory\" factor: 1 } constant { name: \"memory\" factor: 1 }"),
            "mine: the constant memory has two factors");
}

}  // namespace
}  // namespace pipeloom::proto
