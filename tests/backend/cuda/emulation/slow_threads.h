#pragma once

namespace pipeloom::emulation {

// While it lives, threads from number `first` of each block on get on in every `rounds`-th round only: those before
// them run ahead. One at a time.
class SlowThreads {
 public:
  SlowThreads(unsigned first, int rounds);
  ~SlowThreads();
  SlowThreads(const SlowThreads&) = delete;
  SlowThreads& operator=(const SlowThreads&) = delete;
};

}  // namespace pipeloom::emulation
