#include "backend/device/setup/sm_census.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "backend/device/setup/local_rank.h"

namespace pipeloom::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SmCensus, DisjointPartitionsPass) {
  EXPECT_THAT(census_errors({{"rank 0", 2, {0b0011, 0}}, {"rank 1", 2, {0b0100, 1}}}), IsEmpty());
}

TEST(SmCensus, NamesWhoSharesAndWhoHasMore) {
  EXPECT_THAT(census_errors({{"rank 0", 2, {0b0011, 0}}, {"rank 1", 2, {0b1110, 1}}}),
              ElementsAre("rank 1 was seen on 4 SMs; it has 2", "rank 0 and rank 1 were seen on 1 SM both"));
}

TEST(LocalRank, IsWhatTheLauncherSays) {
  std::map<std::string, const char*> set;
  const auto environment = [&](const char* name) -> const char* {
    const auto found = set.find(name);
    return found == set.end() ? nullptr : found->second;
  };
  EXPECT_EQ(local_rank(5, environment), 5);
  set["SLURM_LOCALID"] = "3";
  EXPECT_EQ(local_rank(5, environment), 3);
  set["LOCAL_RANK"] = "1";
  EXPECT_EQ(local_rank(5, environment), 1);
  set["OMPI_COMM_WORLD_LOCAL_RANK"] = "two";
  EXPECT_EQ(local_rank(5, environment), 1);
}

}  // namespace
}  // namespace pipeloom::backend
