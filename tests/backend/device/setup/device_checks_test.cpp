#include "backend/device/setup/device_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/device/program/stuck_launches.h"

namespace pipeloom::backend {
namespace {

using testing::HasSubstr;

DeviceFacts h100() {
  return {0, "H100", 90, 70'000'000'000, 80'000'000'000, 13000, 13000, 22809};
}
DeviceNeeds needs() {
  return {90, 13000, 22809, 60'000'000'000, 4};
}

TEST(DeviceChecks, AGpuThatHasEverythingPasses) {
  EXPECT_TRUE(check_device(h100(), needs()));
}

TEST(DeviceChecks, SayWhatIsThereAndWhatIsNeeded) {
  DeviceFacts facts = h100();
  facts.capability = 80;
  EXPECT_THAT(check_device(facts, needs()).error().message, HasSubstr("GPU 0 (H100) has compute capability 8.0; the "
                                                                      "kernels of this build are for 9.0"));
  facts = h100();
  facts.driver_version = 12080;
  EXPECT_THAT(check_device(facts, needs()).error().message,
              HasSubstr("is for CUDA 12.8; this build needs one for CUDA 13.0"));
  facts = h100();
  facts.runtime_version = 12090;
  EXPECT_THAT(check_device(facts, needs()).error().message, HasSubstr("runtime that was loaded is 12.9"));
  facts = h100();
  facts.nccl_version = 22703;
  EXPECT_THAT(check_device(facts, needs()).error().message,
              HasSubstr("NCCL that was loaded is 2.27.3; this build needs 2.28.9"));
  facts = h100();
  facts.free_bytes = 50'000'000'000;
  EXPECT_THAT(check_device(facts, needs()).error().message, HasSubstr("4 ranks need "));
}

TEST(DeviceChecks, ANewerMinorVersionOrNoNcclIsNoError) {
  DeviceFacts facts = h100();
  facts.runtime_version = 13010;
  facts.nccl_version = 0;
  EXPECT_TRUE(check_device(facts, needs()));
}

// Streams 0 and 1; 1 waits for the second launch of 0.
LaunchProgram two_streams() {
  LaunchProgram program;
  program.streams.resize(2);
  program.launches = {{0, {10}}, {0, {11}}, {1, {12}}};
  using Kind = LaunchOp::Kind;
  program.ops = {{Kind::kRecord, 2, 0}, {Kind::kWait, 0, 0},   {Kind::kLaunch, 0, 0}, {Kind::kRecord, 0, 1},
                 {Kind::kLaunch, 0, 1}, {Kind::kRecord, 0, 2}, {Kind::kWait, 1, 2},   {Kind::kLaunch, 1, 2},
                 {Kind::kRecord, 1, 3}, {Kind::kWait, 2, 3}};
  program.events = 4;
  return program;
}

TEST(StuckLaunches, AreThoseThatWaitForNoOther) {
  const auto at = [](uint32_t ended) {
    return stuck_launches(
        two_streams(), [&](uint32_t event) { return event < ended; },
        [](uint32_t task) { return "task " + std::to_string(task); });
  };
  EXPECT_EQ(at(1), "task 10");
  EXPECT_EQ(at(2), "task 11");
  EXPECT_EQ(at(3), "task 12");
  EXPECT_EQ(at(4), "nothing that is known");
}

}  // namespace
}  // namespace pipeloom::backend
