// `pipeloom-run` with emulated GPUs in place of real ones, to try what runs it.
#include <iostream>

#include "backend/cli/run_program.h"
#include "backend/cuda/row/cuda_row.h"
#include "backend/device/table/cpu_row.h"
#include "tests/backend/cuda/emulation/runtime/emulated_gpus.h"
#include "tests/backend/cuda/emulation/runtime/program/emulated_row.h"

int main(int argc, char** argv) {
  using namespace pipeloom;
  const emulation::EmulatedGpus gpus({.any_order = false, .cupti = true});
  const backend::DeviceTable devices({backend::cpu_row(), backend::cuda_row(), tests::emulated_row()});
  return backend::run_pipeloom_run(argc, argv, std::cout, std::cerr, false, devices);
}
