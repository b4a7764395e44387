#pragma once

#include <gtest/gtest.h>

#include <string>

namespace pipeloom::backend {

// Why no GPU test can run here: no driver, no device, or one that the kernels are not built for; empty: it can.
std::string why_no_gpu();

// The fixture of every test that needs a GPU: it skips aloud where there is none. Name it with TEST_F; its tests carry
// CTest's label `gpu` by the suite's name, which begins with Gpu.
class GpuTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = why_no_gpu(); !reason.empty()) GTEST_SKIP() << "no GPU test runs here: " << reason;
  }
};

}  // namespace pipeloom::backend
