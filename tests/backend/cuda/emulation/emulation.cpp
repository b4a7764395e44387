#include "tests/backend/cuda/emulation/emulation.h"

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "backend/model/low_precision.h"
#include "tests/backend/cuda/emulation/slow_threads.h"

namespace pipeloom::backend {

uint8_t host_e4m3(float value) {
  return static_cast<uint8_t>(encode(value, kE4m3Format));
}

}  // namespace pipeloom::backend

namespace pipeloom::emulation {

namespace {

constexpr size_t kStackBytes = size_t{1} << 16;
constexpr unsigned kLanes = 32;
// Rounds over all fibers in which none gets ahead, before a kernel counts as hung.
constexpr int kIdleRounds = 100'000;

struct Barrier {
  unsigned members = 0;
  unsigned arrived = 0;
  uint64_t generation = 0;

  void open_if_all() {
    if (arrived < members || members == 0) return;
    arrived = 0;
    ++generation;
  }
};

struct Warp {
  Barrier barrier;
  std::array<uint64_t, kLanes> given = {};
};

struct Block {
  Barrier barrier;
  std::vector<Warp> warps;
  std::vector<unsigned char> memory;
};

struct Fiber {
  emulation::Place place;
  Block* block = nullptr;
  Warp* warp = nullptr;
  unsigned lane = 0;
  bool started = false;
  bool ended = false;
  std::unique_ptr<unsigned char[]> stack;
  ucontext_t first = {};
  jmp_buf here = {};
};

// One kernel that runs. Tests run one at a time.
struct Run {
  const emulation::Kernel& kernel;
  const std::vector<int>& sms;
  int64_t now_ns;
  Run(const emulation::Kernel& kernel_, const std::vector<int>& sms_, int64_t begin_ns)
      : kernel(kernel_), sms(sms_), now_ns(begin_ns) {}
  std::vector<std::unique_ptr<Fiber>> fibers;
  std::vector<std::unique_ptr<Block>> live_blocks;
  Fiber* current = nullptr;
  jmp_buf scheduler = {};
  bool moved = false;  // some fiber got ahead in this round
};
Run* run = nullptr;

// Fibers that have ended, for the next threads.
std::vector<std::unique_ptr<Fiber>> idle_fibers;

void yield() {
  if (_setjmp(run->current->here) == 0) _longjmp(run->scheduler, 1);
}

void wait(Barrier& barrier) {
  const uint64_t mine = barrier.generation;
  ++barrier.arrived;
  barrier.open_if_all();
  run->moved = true;
  while (barrier.generation == mine) yield();
  run->moved = true;
}

void leave(Barrier& barrier) {
  --barrier.members;
  barrier.open_if_all();
}

// One thread after another.
void run_fiber() {
  for (;;) {
    run->kernel.thread();
    Fiber& fiber = *run->current;
    fiber.ended = true;
    leave(fiber.block->barrier);
    leave(fiber.warp->barrier);
    run->moved = true;
    yield();
  }
}

std::unique_ptr<Fiber> take_fiber() {
  if (idle_fibers.empty()) {
    auto fiber = std::make_unique<Fiber>();
    fiber->stack = std::make_unique_for_overwrite<unsigned char[]>(kStackBytes);
    getcontext(&fiber->first);
    fiber->first.uc_stack.ss_sp = fiber->stack.get();
    fiber->first.uc_stack.ss_size = kStackBytes;
    fiber->first.uc_link = nullptr;
    makecontext(&fiber->first, run_fiber, 0);
    return fiber;
  }
  auto fiber = std::move(idle_fibers.back());
  idle_fibers.pop_back();
  fiber->ended = false;
  return fiber;
}

// Until the fiber waits or ends.
void resume(Fiber& fiber) {
  run->current = &fiber;
  if (_setjmp(run->scheduler) != 0) return;
  if (fiber.started) _longjmp(fiber.here, 1);
  fiber.started = true;
  setcontext(&fiber.first);
}

void add_block(emulation::Extent number) {
  Block& block = *run->live_blocks.emplace_back(std::make_unique<Block>());
  const emulation::Extent& shape = run->kernel.threads;
  const unsigned threads = shape.count();
  block.barrier.members = threads;
  block.warps.resize((threads + kLanes - 1) / kLanes);
  block.memory.resize(run->kernel.shared_bytes + 16);
  for (unsigned i = 0; i < threads; ++i) {
    auto fiber = take_fiber();
    fiber->place.thread = emulation::Extent(i % shape.x, i / shape.x % shape.y, i / shape.x / shape.y);
    fiber->place.block = number;
    fiber->block = &block;
    fiber->warp = &block.warps[i / kLanes];
    fiber->lane = i % kLanes;
    ++fiber->warp->barrier.members;
    run->fibers.push_back(std::move(fiber));
  }
}

unsigned slow_from = UINT_MAX;
int slow_rounds = 1;

void run_live_blocks() {
  int idle_rounds = 0;
  int round = 0;
  for (size_t alive = run->fibers.size(); alive > 0;) {
    run->moved = false;
    alive = 0;
    for (const auto& fiber : run->fibers) {
      if (fiber->ended) continue;
      const bool waits = fiber->place.thread.x >= slow_from && round % slow_rounds != 0;
      if (!waits) resume(*fiber);
      if (!fiber->ended) ++alive;
    }
    ++round;
    idle_rounds = run->moved ? 0 : idle_rounds + 1;
    if (idle_rounds > kIdleRounds) {
      const std::string name = run->kernel.name;
      run = nullptr;
      throw std::runtime_error(name + ": threads wait for each other for ever");
    }
  }
  for (auto& fiber : run->fibers) idle_fibers.push_back(std::move(fiber));
  run->fibers.clear();
  run->live_blocks.clear();
}

}  // namespace

emulation::SlowThreads::SlowThreads(unsigned first, int rounds) {
  slow_from = first;
  slow_rounds = rounds;
}

emulation::SlowThreads::~SlowThreads() {
  slow_from = UINT_MAX;
}

const emulation::Place& place() {
  return run->current->place;
}
const emulation::Extent& block_size() {
  return run->kernel.threads;
}
const emulation::Extent& grid_size() {
  return run->kernel.blocks;
}

unsigned char* block_memory() {
  unsigned char* begin = run->current->block->memory.data();
  return begin + (16 - reinterpret_cast<uintptr_t>(begin) % 16) % 16;
}

void wait_for_block() {
  wait(run->current->block->barrier);
}
void wait_for_warp() {
  wait(run->current->warp->barrier);
}

uint64_t exchange_in_warp(uint64_t own, unsigned lane) {
  Warp& warp = *run->current->warp;
  warp.given[run->current->lane] = own;
  wait(warp.barrier);
  const uint64_t other = warp.given[lane % kLanes];
  wait(warp.barrier);
  return other;
}

unsigned vote_in_warp(bool yes) {
  Warp& warp = *run->current->warp;
  warp.given[run->current->lane] = yes ? 1 : 0;
  wait(warp.barrier);
  unsigned votes = 0;
  for (unsigned lane = 0; lane < kLanes; ++lane) votes |= static_cast<unsigned>(warp.given[lane]) << lane;
  wait(warp.barrier);
  return votes;
}

unsigned own_lane() {
  return run->current->lane;
}

int64_t run_kernel(const emulation::Kernel& kernel, int64_t begin_ns, const std::vector<int>& sms) {
  Run own(kernel, sms, begin_ns);
  run = &own;
  int64_t end_ns = begin_ns;
  for (unsigned z = 0; z < kernel.blocks.z; ++z) {
    for (unsigned y = 0; y < kernel.blocks.y; ++y) {
      for (unsigned x = 0; x < kernel.blocks.x; ++x) {
        add_block(emulation::Extent(x, y, z));
        if (kernel.resident) continue;
        run_live_blocks();
        end_ns = std::max(end_ns, std::exchange(own.now_ns, begin_ns));
      }
    }
  }
  if (kernel.resident) run_live_blocks();
  run = nullptr;
  return std::max(end_ns, own.now_ns);
}

}  // namespace pipeloom::emulation

namespace pipeloom::backend {

uint64_t host_now_ns() {
  return static_cast<uint64_t>(++emulation::run->now_ns);
}

void host_sleep_ns(uint64_t time_ns) {
  emulation::run->now_ns += static_cast<int64_t>(time_ns);
}

unsigned host_sm() {
  const emulation::Extent& block = emulation::place().block;
  const emulation::Extent& grid = emulation::run->kernel.blocks;
  const size_t number = (size_t{block.z} * grid.y + block.y) * grid.x + block.x;
  return static_cast<unsigned>(emulation::run->sms[number % emulation::run->sms.size()]);
}

}  // namespace pipeloom::backend
