#include "tests/backend/device/program/fake_device.h"

#include <algorithm>
#include <numeric>

namespace pipeloom::tests {

bool FakeDevice::idle() const {
  return std::ranges::all_of(queues_, [](const auto& queue) { return queue.empty(); });
}

bool FakeDevice::advance(std::mt19937_64& random, const std::function<bool(const backend::Launch&)>& may_run,
                         const std::function<void(const backend::Launch&)>& ended) {
  std::vector<size_t> order(queues_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  return std::ranges::any_of(order, [&](size_t stream) { return run(queues_[stream], may_run, ended); });
}

bool FakeDevice::run(std::deque<Op>& queue, const std::function<bool(const backend::Launch&)>& may_run,
                     const std::function<void(const backend::Launch&)>& ended) {
  if (queue.empty()) return false;
  const Op op = queue.front();
  if (op.kind == Kind::kWait && recorded_[op.event] == 0) return false;
  if (op.kind == Kind::kLaunch && !may_run(*op.launch)) return false;
  queue.pop_front();
  if (op.kind == Kind::kRecord) recorded_[op.event] = 1;
  if (op.kind == Kind::kLaunch) ended(*op.launch);
  return true;
}

}  // namespace pipeloom::tests
