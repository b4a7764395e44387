#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <new>

#include "backend/cli/linked_devices.h"
#include "backend/cli/run_program.h"

int main(int argc, char** argv) {
  // `pipeloom run` on a terminal says so, for mpirun stands between.
  const bool terminal = isatty(STDERR_FILENO) != 0 || std::getenv("PIPELOOM_TERMINAL") != nullptr;
  try {
    return pipeloom::backend::run_pipeloom_run(argc, argv, std::cout, std::cerr, terminal,
                                               pipeloom::backend::linked_devices());
  } catch (const std::bad_alloc&) {
    std::cerr << "pipeloom-run: this run needs more memory than the machine has\n";
    return 1;
  } catch (const std::exception& bug) {
    std::cerr << "pipeloom-run: internal error, please report it: " << bug.what() << '\n';
    return 70;  // EX_SOFTWARE of sysexits.h
  }
}
