#include "tests/backend/cuda/emulation/runtime/program/emulated_row.h"

#include "backend/cuda/row/cuda_row.h"

namespace pipeloom::tests {

using backend::Ability;

backend::DeviceKind emulated_row() {
  backend::DeviceKind row = backend::cuda_row();  // linked with emulated libraries, its code is this device's
  row.name = "emulated";
  row.what = "GPUs that CPUs emulate";
  row.abilities = {Ability::kOneDevice, Ability::kStepGraphs};
  row.tune = {};
  return row;
}

}  // namespace pipeloom::tests
