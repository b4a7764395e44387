#include "backend/cli/run_secret.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "tests/support/temp_folder.h"

namespace pipeloom::backend {
namespace {

using Variables = std::map<std::string, std::string>;

const std::string kSecret = "0123456789abcdef0123456789abcdef";

Environment environment(const Variables& variables) {
  return [variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

std::string error_of(const Variables& variables) {
  const auto secret = run_secret(environment(variables));
  return secret ? "none" : secret.error().message;
}

class RunSecret : public testing::Test {
 protected:
  std::string file(const std::string& content, mode_t mode) const {
    std::string path = folder_.file("secret", content);
    chmod(path.c_str(), mode);
    return path;
  }

  tests::TempFolder folder_;
};

TEST_F(RunSecret, IsOfTheEnvironmentOrOfAPrivateFile) {
  EXPECT_EQ(run_secret(environment({})).value(), "");
  EXPECT_EQ(run_secret(environment({{"PIPELOOM_SECRET", kSecret}})).value(), kSecret);
  for (const mode_t mode : {0600, 0400}) {
    const std::string path = file(kSecret + "\n", mode);
    EXPECT_EQ(run_secret(environment({{"PIPELOOM_SECRET_FILE", path}})).value(), kSecret);
    unlink(path.c_str());
  }
}

TEST_F(RunSecret, IsRefusedWhereOthersCouldKnowIt) {
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0644, 0777}) {
    const std::string error = error_of({{"PIPELOOM_SECRET_FILE", file(kSecret, mode)}});
    EXPECT_NE(error.find("others may use the file of the secret"), std::string::npos) << error;
  }
  EXPECT_NE(error_of({{"PIPELOOM_SECRET_FILE", folder_.path("")}}).find("not in a regular file"), std::string::npos);
  EXPECT_NE(error_of({{"PIPELOOM_SECRET_FILE", "/nonexistent"}}).find("can't read the secret /nonexistent"),
            std::string::npos);
  if (geteuid() == 0) {
    const std::string path = file(kSecret, 0600);
    ASSERT_EQ(chown(path.c_str(), 12345, 12345), 0);
    EXPECT_EQ(error_of({{"PIPELOOM_SECRET_FILE", path}}),
              path + ": the file of the secret belongs to user 12345; it must be yours (0)");
  }
}

TEST_F(RunSecret, IsLongEnoughAndOne) {
  EXPECT_EQ(error_of({{"PIPELOOM_SECRET", "hunter2"}}),
            "PIPELOOM_SECRET: the secret has 7 bytes; allowed are 16 to 4096, as `openssl rand -hex 32` makes them");
  EXPECT_NE(error_of({{"PIPELOOM_SECRET", ""}}), "none");
  EXPECT_NE(error_of({{"PIPELOOM_SECRET_FILE", file("\n", 0600)}}), "none");
  EXPECT_EQ(error_of({{"PIPELOOM_SECRET", kSecret}, {"PIPELOOM_SECRET_FILE", file(kSecret, 0600)}}),
            "PIPELOOM_SECRET and PIPELOOM_SECRET_FILE are both set: one secret is enough");
}

TEST_F(RunSecret, LetsRanksMeetOnThisMachineAloneIfThereIsNone) {
  const auto host = [](const std::string& of_rank_0, const Variables& variables) {
    const auto world = secured({1, 4, of_rank_0, 29500, {}, {}}, environment(variables));
    return world ? world->host : world.error().message.substr(0, 25);
  };
  for (const char* here : {"127.0.0.1", "localhost", "::1", "127.1.2.3"}) EXPECT_EQ(host(here, {}), here);
  EXPECT_EQ(host("node1", {}), "ranks that meet at node1 ");
  EXPECT_EQ(host("10.0.0.1", {}), "ranks that meet at 10.0.0");
  EXPECT_EQ(host("node1", {{"LOCAL_WORLD_SIZE", "4"}}), "127.0.0.1");
  EXPECT_EQ(host("node1", {{"LOCAL_WORLD_SIZE", "2"}}), "ranks that meet at node1 ");
  EXPECT_EQ(host("node1", {{"SLURM_STEP_NUM_NODES", "1"}}), "127.0.0.1");
  EXPECT_EQ(host("node1", {{"PIPELOOM_SECRET", kSecret}}), "node1");
}

}  // namespace
}  // namespace pipeloom::backend
