#include "tests/backend/cuda/emulation/runtime/machine.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace pipeloom::emulation {

namespace {

// Of ops that a call which asks or enqueues runs.
constexpr uint64_t kMostAtOnce = 24;

}  // namespace

Machine& machine() {
  static Machine the_machine;
  static const bool made = (the_machine.reset({}), true);
  static_cast<void>(made);
  return the_machine;
}

void Machine::reset(const Settings& settings) {
  settings_ = settings;
  random_.seed(settings.seed);
  ready_.clear();
  const auto devices = static_cast<size_t>(settings.devices);
  open_.assign(devices, 0);
  errors_.assign(devices, cudaSuccess);
  host_ns_.assign(devices, 0);
  taken_until_ns_.assign(devices, std::vector<int64_t>(kSms, 0));
  complaints_.clear();
}

OpPtr Machine::add(Work work, int device, const std::vector<OpPtr>& after) {
  auto op = std::make_shared<Op>();
  op->work = std::move(work);
  op->device = device;
  op->begin_ns = host_ns_[device];
  for (const OpPtr& before : after) {
    if (!before) continue;
    if (before->ended) {
      op->begin_ns = std::max(op->begin_ns, before->end_ns);
    } else {
      before->next.push_back(op);
      ++op->missing;
    }
  }
  ++open_[device];
  if (op->missing == 0) ready_.push_back(op);
  changed_.notify_all();
  return op;
}

void Machine::end(Op& op) {
  op.ended = true;
  --open_[op.device];
  if (on_end_) on_end_(op);
  for (const OpPtr& next : op.next) {
    next->begin_ns = std::max(next->begin_ns, op.end_ns);
    if (--next->missing == 0) ready_.push_back(next);
  }
  op.next.clear();
  op.work.run = nullptr;
  changed_.notify_all();
}

int64_t Machine::start_of(const Op& op) const {
  int64_t start_ns = op.begin_ns;
  if (!op.work.alone) return start_ns;
  for (const int sm : op.work.sms) start_ns = std::max(start_ns, taken_until_ns_[op.device][sm]);
  return start_ns;
}

void Machine::take_sms(const Op& op) {
  if (!op.work.alone) return;
  for (const int sm : op.work.sms) taken_until_ns_[op.device][sm] = op.end_ns;
}

bool Machine::run_one() {
  if (ready_.empty()) return false;
  auto chosen = ready_.begin();
  if (settings_.any_order) {
    chosen += static_cast<ptrdiff_t>(random(ready_.size()));
  } else {
    chosen = std::ranges::min_element(ready_, {}, [&](const OpPtr& op) { return start_of(*op); });
  }
  const OpPtr op = *chosen;
  ready_.erase(chosen);
  op->begun = true;
  const bool can_fail = settings_.fault && op->work.kind != Work::Kind::kMark;
  const Settings::Fault fault = can_fail
                                    ? settings_.fault(op->work.name, op->device, static_cast<int>(op->work.sms.size()))
                                    : Settings::Fault::kNone;
  if (fault == Settings::Fault::kHangs) return true;
  op->begin_ns = start_of(*op);
  op->end_ns = op->begin_ns + op->work.duration_ns;
  if (fault == Settings::Fault::kFails) fail(op->device, cudaErrorIllegalAddress);
  const bool ended = fault == Settings::Fault::kFails || !op->work.run || op->work.run(*op);
  take_sms(*op);
  if (ended) end(*op);
  return true;
}

// What it enqueues makes no further progress by itself.
bool Machine::ask_background() {
  if (!background_) return false;
  in_background_ = true;
  const bool moved = background_();
  in_background_ = false;
  return moved;
}

void Machine::progress() {
  if (in_background_) return;
  ask_background();
  for (uint64_t left = random(kMostAtOnce); left > 0 && run_one(); --left) continue;
}

cudaError_t Machine::wait(Lock& lock, int device, const std::function<bool()>& done, const std::string& what) {
  using Clock = std::chrono::steady_clock;
  const auto patience = std::chrono::milliseconds(settings_.patience_ms);
  auto give_up = Clock::now() + patience;
  while (!done()) {
    if (errors_[device] != cudaSuccess) return errors_[device];
    if (run_one() || ask_background()) {
      give_up = Clock::now() + patience;
      continue;
    }
    changed_.wait_for(lock, std::chrono::milliseconds(1));
    if (Clock::now() > give_up) {
      complain(what + " waits for ever");
      return cudaErrorLaunchTimeout;
    }
  }
  return errors_[device];
}

cudaError_t Machine::wait_for(Lock& lock, const OpPtr& op, const std::string& what) {
  if (!op) return cudaSuccess;
  const cudaError_t error = wait(
      lock, op->device, [&] { return op->ended; }, what);
  if (error == cudaSuccess) host_ns_[op->device] = std::max(host_ns_[op->device], op->end_ns);
  return error;
}

cudaError_t Machine::wait_for_device(Lock& lock, int device, const std::string& what) {
  return wait(
      lock, device, [&] { return open_[device] == 0; }, what);
}

void Machine::complain(std::string what) {
  if (complaints_.empty()) std::fprintf(stderr, "emulated GPU: %s\n", what.c_str());
  complaints_.push_back(std::move(what));
}

}  // namespace pipeloom::emulation
