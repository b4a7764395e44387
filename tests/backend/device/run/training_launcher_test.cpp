#include "backend/device/run/training_launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "backend/device/program/launch_lowering.h"
#include "core/base/check.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::tests {
namespace {

// For launchers that launch nothing.
class NoProducts : public backend::ProductRunner {
 public:
  void multiply(const backend::SmStream& /*stream*/, const backend::ProductDescription& /*product*/,
                const backend::ProductOperands& /*operands*/) override {
    PIPELOOM_THROW_UNLESS(false);
  }
};

// A device whose memory is the host's, and which tells in what order memory is freed.
class TellingLibrary : public backend::DeviceLibrary {
 public:
  std::shared_ptr<std::byte> allocate(int64_t size_bytes) override { return told("device", size_bytes); }
  std::shared_ptr<std::byte> allocate_on_host(int64_t size_bytes) override { return told("host", size_bytes); }

  void copy_to_device(const void* host, void* device, int64_t size_bytes) override {
    std::memcpy(device, host, static_cast<size_t>(size_bytes));
  }
  void copy_to_host(const void* device, void* host, int64_t size_bytes) override {
    std::memcpy(host, device, static_cast<size_t>(size_bytes));
  }
  void wait_for_all() override {}

  void enqueue_to_device(backend::StreamHandle /*stream*/, const void* host, void* device,
                         int64_t size_bytes) override {
    copy_to_device(host, device, size_bytes);
  }
  void enqueue_to_host(backend::StreamHandle /*stream*/, const void* device, void* host, int64_t size_bytes) override {
    copy_to_host(device, host, size_bytes);
  }
  void enqueue_on_host(backend::StreamHandle /*stream*/, void (*function)(void* argument), void* argument) override {
    function(argument);
  }

  std::unique_ptr<backend::ProductRunner> make_products() override { return std::make_unique<NoProducts>(); }

  std::vector<std::string> freed;

 private:
  std::shared_ptr<std::byte> told(const char* where, int64_t size_bytes) {
    return {new std::byte[static_cast<size_t>(size_bytes)], [this, where](const std::byte* memory) {
              freed.emplace_back(where);
              delete[] memory;
            }};
  }
};

// Freeing a device's memory waits for it, and the host's memory is what it may still copy to.
TEST(TrainingLauncher, FreesTheDevicesMemoryFirst) {
  Job job = training_job(tiny_dense(), 2, 2);
  job.ema_decay = 0.9;
  const Plan plan = plan_with(job, "1f1b").value();
  const auto text = backend::TextTokens::create(some_text(), job.batch, job.model->vocabulary).value();
  const TaskGraph graph = backend::launch_graph(plan);
  const backend::RankProgram program(plan.schedule, graph, 0);
  TellingLibrary library;
  const backend::LauncherSource launchers = backend::training_launchers(plan, text, {}, library);
  ASSERT_TRUE(launchers.make(program, {0, 0}));
  EXPECT_THAT(library.freed, testing::ElementsAre("device", "host"));
}

}  // namespace
}  // namespace pipeloom::tests
