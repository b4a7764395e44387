// `pipeloom-run` with emulated GPUs in place of real ones, to try what runs it.
#include <iostream>

#include "backend/cli/run_program.h"
#include "tests/backend/cuda/emulation/runtime/emulated_gpus.h"

int main(int argc, char** argv) {
  const pipeloom::emulation::EmulatedGpus gpus({.any_order = false, .cupti = true});
  return pipeloom::backend::run_pipeloom_run(argc, argv, std::cout, std::cerr, false);
}
