#include <gmock/gmock.h>

#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The sample with a training framework.
std::string with_software(const TempFolder& folder) {
  std::string job = content_of(std::string(PIPELOOM_SOURCE) + "/samples/llama-3-405b.txtpb");
  if (const size_t config = job.find("models/"); config != std::string::npos) {
    job.replace(config, 7, std::string(PIPELOOM_SOURCE) + "/samples/models/");
  }
  return folder.file("job.txtpb", job + "software { name: \"megatron-lm\" dummy_gradients: true }\n");
}

TEST(MemoryCommand, ShowsThreeCountersOfAJobWithSoftware) {
  const TempFolder folder;
  const CommandResult result = run_command({"memory", with_software(folder), "--schedule", "1f1b"});
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char* column : {"dummies", "temporaries", "allocated", "reserved", "nvidia-smi", "of GPU"}) {
    EXPECT_THAT(result.out, HasSubstr(column));
  }
  EXPECT_THAT(result.out, HasSubstr("# activations and temporaries"));
}

TEST(MemoryCommand, GivesScriptsThreeTotalsWithSoftwareOnly) {
  const TempFolder folder;
  const nlohmann::json json = run_command({"memory", with_software(folder), "--schedule", "1f1b", "--json"}).json();
  for (const auto& rank : json["ranks"]) {
    const int64_t allocated = rank["allocated_bytes"];
    const int64_t reserved = rank["reserved_bytes"];
    const int64_t total = rank["total_bytes"];
    EXPECT_EQ(reserved - allocated, rank["fragmentation_bytes"]);
    EXPECT_EQ(total - reserved, rank["runtime_bytes"].get<int64_t>() + rank["communication_bytes"].get<int64_t>());
    EXPECT_GT(rank["dummy_gradients_bytes"], 0);
    EXPECT_GT(rank["temporaries_bytes"], 0);
  }
  const CommandResult without = run_command({"memory", sample("llama-3-405b"), "--schedule", "1f1b", "--json"});
  EXPECT_FALSE(without.json()["ranks"][0].contains("allocated_bytes"));
  EXPECT_THAT(run_command({"memory", sample("llama-3-405b"), "--schedule", "1f1b"}).out, Not(HasSubstr("nvidia-smi")));
}

}  // namespace
}  // namespace pipeloom::tests
