#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "backend/cli/linked_devices.h"
#include "backend/cli/run_program.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::backend {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

int tune(const std::vector<const char*>& more, std::string& err) {
  std::vector<const char*> argv = {"pipeloom-run", "tune"};
  argv.insert(argv.end(), more.begin(), more.end());
  std::ostringstream out;
  std::ostringstream errors;
  const int code = run_pipeloom_run(static_cast<int>(argv.size()), argv.data(), out, errors, false, linked_devices());
  err = errors.str();
  return code;
}

// Device 1000: nowhere is there one.
TEST(Tune, SaysThatThereIsNoGpuAndWritesNothing) {
  const tests::TempFolder folder;
  const std::string path = folder.path("tuned.txtpb");
  std::string err;
  EXPECT_EQ(tune({"-o", path.c_str(), "--gpu", "H100", "--device", "1000"}, err), 1);
  EXPECT_THAT(err, AnyOf(HasSubstr("tune measures a GPU, and this process has none: "),
                         HasSubstr("tune measures a GPU, and this pipeloom-run was built without CUDA"),
                         HasSubstr("wants GPU 1000")));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Tune, RefusesAGpuThatItDoesNotKnow) {
  std::string err;
  EXPECT_EQ(tune({"-o", "unused", "--gpu", "Z80"}, err), 1);
  EXPECT_THAT(err, HasSubstr("\"Z80\" is unknown; allowed are "));
}

TEST(Tune, NeedsAFileToWrite) {
  std::string err;
  EXPECT_EQ(tune({}, err), 2);
  EXPECT_THAT(err, HasSubstr("--output is required"));
}

}  // namespace
}  // namespace pipeloom::backend
