#include "core/job/training_constants.h"

#include <gtest/gtest.h>

#include <set>

#include "proto/job/gpu_files.h"
#include "proto/job/training_rates_files.h"

namespace pipeloom {
namespace {

TEST(TrainingConstants, EachChangesTheRatesOfSomeKnownGpu) {
  std::set<std::string_view> names;
  for (const TrainingConstant& constant : training_constants()) {
    EXPECT_TRUE(names.insert(constant.name).second) << constant.name;
    EXPECT_LT(constant.least, 1) << constant.name;
    EXPECT_GT(constant.most, 1) << constant.name;
    int changed = 0;
    for (const Gpu& gpu : proto::known_gpus()) {
      const TrainingRates rates = proto::published_training_rates(gpu.name).value();
      const bool concerned = constant.concerns(rates);
      const TrainingRates scaled = with_factors(rates, {{std::string(constant.name), 0.9}});
      EXPECT_TRUE(concerned || scaled == rates) << constant.name << " of " << gpu.name;
      if (scaled != rates) ++changed;
    }
    EXPECT_GT(changed, 0) << constant.name;
  }
}

TEST(TrainingConstants, AreRefusedByNameAndRange) {
  EXPECT_EQ(check_factors({{"luck", 1}}).error().message, "constant luck is unknown");
  EXPECT_EQ(check_factors({{"attention", 20}}).error().message,
            "factor of the constant attention is 20; allowed are 0.7 to 2");
  EXPECT_TRUE(check_factors({{"attention", 1.2}}));
  EXPECT_EQ(check_fitted({{}, {0.2, 0.1, 0}, {}}).error().message, "dense_errors.high is 0.1; allowed are 0.2 to 5");
}

}  // namespace
}  // namespace pipeloom
