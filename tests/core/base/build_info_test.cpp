#include "core/base/build_info.h"

#include <gtest/gtest.h>

namespace pipeloom::tests {
namespace {

const BuildInfo kInfo = {"0.1.0", "a87ebbf", "Release", "GNU 12.2.0"};

TEST(VersionText, NamesVersionCommitAndBuild) {
  EXPECT_EQ(version_text("pipeloom", kInfo, {}),
            "pipeloom 0.1.0\n"
            "commit     a87ebbf\n"
            "build      Release, GNU 12.2.0");
}

TEST(VersionText, PartsWhatIsBuiltInFromWhatIsLeftOut) {
  const std::string text = version_text("pipeloom-run", kInfo, {{"threads"}, {"MPI", false}, {"TCP"}, {"CUDA", false}});
  EXPECT_EQ(text.substr(text.find("built in")),
            "built in   threads, TCP\n"
            "left out   MPI, CUDA");
}

TEST(VersionText, SaysThatTheCommitIsUnknown) {
  BuildInfo from_tarball = kInfo;
  from_tarball.commit = "";
  EXPECT_NE(version_text("pipeloom", from_tarball, {}).find("commit     unknown"), std::string::npos);
}

}  // namespace
}  // namespace pipeloom::tests
