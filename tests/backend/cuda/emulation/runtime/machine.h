#pragma once

#include <driver_types.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "tests/backend/cuda/emulation/runtime/emulated_gpus.h"

// All emulated GPUs of the process as one machine that works when somebody looks: a call that waits or asks runs some
// of the work whose turn it is, on the calling thread, in an order of the seed's. Nothing runs by itself.
namespace pipeloom::emulation {

inline constexpr int kSms = 132;

struct Op;
using OpPtr = std::shared_ptr<Op>;

// What a stream does at its turn.
struct Work {
  enum class Kind : uint8_t { kMark, kKernel, kCopy, kFill, kHost, kNccl };
  Kind kind = Kind::kMark;
  std::string name;
  // Moves Op::end_ns, which is begin_ns + duration_ns before. False: Machine::end ends the op later. Null: nothing.
  std::function<bool(Op& op)> run;
  int64_t duration_ns = 0;
  std::vector<int> sms;  // that it runs on
  bool alone = false;    // nothing else that wants this fits on them
  bool apart = false;    // on a stream that the default stream does not wait for
  uint32_t correlation = 0;
};

struct Op : std::enable_shared_from_this<Op> {
  Work work;
  int device = 0;
  int missing = 0;  // ops before it that have not ended
  bool begun = false;
  bool ended = false;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  std::vector<OpPtr> next;
};

class Machine {
 public:
  using Lock = std::unique_lock<std::mutex>;
  Lock lock() { return Lock(mutex_); }

  // All below with the lock held.
  void reset(const Settings& settings);
  const Settings& settings() const { return settings_; }
  uint64_t random(uint64_t below) { return random_() % below; }

  // Runs when all of `after` have ended; null pointers are nothing.
  OpPtr add(Work work, int device, const std::vector<OpPtr>& after);
  void end(Op& op);
  // Some of what can run, perhaps nothing.
  void progress();
  // Runs until `done`, or the device has an error, or nothing gets on.
  cudaError_t wait(Lock& lock, int device, const std::function<bool()>& done, const std::string& what);
  cudaError_t wait_for(Lock& lock, const OpPtr& op, const std::string& what);
  cudaError_t wait_for_device(Lock& lock, int device, const std::string& what);

  // What a library's own threads do: returns whether it got ahead.
  void set_background(std::function<bool()> background) { background_ = std::move(background); }
  void on_end(std::function<void(const Op&)> told) { on_end_ = std::move(told); }

  cudaError_t error(int device) const { return errors_[device]; }
  void fail(int device, cudaError_t error) { errors_[device] = error; }
  // When the host last knew the device's clock.
  int64_t& host_ns(int device) { return host_ns_[device]; }
  void complain(std::string what);
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  bool run_one();
  bool ask_background();
  int64_t start_of(const Op& op) const;
  void take_sms(const Op& op);

  std::mutex mutex_;
  std::condition_variable changed_;
  Settings settings_;
  std::mt19937_64 random_;
  std::vector<OpPtr> ready_;
  std::vector<int> open_;  // [device] ops that have not ended
  std::vector<cudaError_t> errors_;
  std::vector<int64_t> host_ns_;
  std::vector<std::vector<int64_t>> taken_until_ns_;  // [device][SM]
  std::vector<std::string> complaints_;
  std::function<bool()> background_;
  bool in_background_ = false;
  std::function<void(const Op&)> on_end_;
};

Machine& machine();

}  // namespace pipeloom::emulation
