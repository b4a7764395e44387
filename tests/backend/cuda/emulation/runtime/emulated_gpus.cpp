#include "tests/backend/cuda/emulation/runtime/emulated_gpus.h"

#include <iterator>

#include "tests/backend/cuda/emulation/runtime/activities.h"
#include "tests/backend/cuda/emulation/runtime/green.h"
#include "tests/backend/cuda/emulation/runtime/machine.h"
#include "tests/backend/cuda/emulation/runtime/memory.h"
#include "tests/backend/cuda/emulation/runtime/nccl.h"
#include "tests/backend/cuda/emulation/runtime/products.h"
#include "tests/backend/cuda/emulation/runtime/streams.h"

namespace pipeloom::emulation {

namespace {

void reset_all(const Settings& settings) {
  const auto lock = machine().lock();
  machine().reset(settings);
  reset_streams(settings.devices);
  reset_green();
  reset_memory();
  reset_products();
  reset_nccl();
  reset_activities();
}

}  // namespace

EmulatedGpus::EmulatedGpus(const Settings& settings) {
  reset_all(settings);
}

EmulatedGpus::~EmulatedGpus() {
  reset_all({});
}

std::vector<std::string> EmulatedGpus::complaints() const {
  const auto lock = machine().lock();
  return machine().complaints();
}

std::vector<std::string> EmulatedGpus::leaks() const {
  const auto lock = machine().lock();
  std::vector<std::string> leaks;
  for (auto& some : {leaked_streams(), leaked_green(), leaked_memory(), leaked_nccl()}) {
    leaks.insert(leaks.end(), some.begin(), some.end());
  }
  return leaks;
}

}  // namespace pipeloom::emulation
