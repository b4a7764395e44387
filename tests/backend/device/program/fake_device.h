#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <random>
#include <vector>

#include "backend/device/program/device.h"
#include "core/tasks/task_graph.h"

namespace pipeloom::tests {

// A device that runs what was enqueued in an order that its streams and events allow, drawn by a seed.
class FakeDevice : public backend::Device {
 public:
  explicit FakeDevice(const backend::LaunchProgram& program)
      : queues_(program.streams.size() + 1), recorded_(program.events) {}

  void launch(uint32_t stream, const backend::Launch& launch) override {
    queues_[stream].push_back({Kind::kLaunch, 0, &launch});
  }
  void record(uint32_t stream, uint32_t event) override { queues_[stream].push_back({Kind::kRecord, event, nullptr}); }
  void wait(uint32_t stream, uint32_t event) override { queues_[stream].push_back({Kind::kWait, event, nullptr}); }

  bool idle() const;
  // One op of a stream that may go on, if there is one. `may_run`: of a launch that waits for another device.
  bool advance(std::mt19937_64& random, const std::function<bool(const backend::Launch&)>& may_run,
               const std::function<void(const backend::Launch&)>& ended);

 private:
  using Kind = backend::LaunchOp::Kind;
  struct Op {
    Kind kind;
    uint32_t event;
    const backend::Launch* launch;
  };
  bool run(std::deque<Op>& queue, const std::function<bool(const backend::Launch&)>& may_run,
           const std::function<void(const backend::Launch&)>& ended);

  std::vector<std::deque<Op>> queues_;
  std::vector<char> recorded_;  // [event]
};

}  // namespace pipeloom::tests
