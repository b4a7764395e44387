// How a build says why it lacks a device: pipeloom_text of cmake/Embed.cmake.
#include "backend/cli/linked_devices.h"

#include <gtest/gtest.h>

namespace pipeloom {

const char* awkward_text();  // tests/CMakeLists.txt has the text

namespace backend {
namespace {

TEST(LinkedDevices, MayBeMissingForAReasonWithAnyCharacters) {
  EXPECT_STREQ(awkward_text(), R"(set A and B; not "C", $<0:D>\n or ${E})");
}

}  // namespace
}  // namespace backend
}  // namespace pipeloom
