#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <new>

#include "backend/cli/linked_devices.h"
#include "backend/cli/remark.h"
#include "backend/cli/run_program.h"

int main(int argc, char** argv) {
  // `pipeloom run` on a terminal says so, for mpirun stands between.
  const bool terminal = isatty(STDERR_FILENO) != 0 || std::getenv("PIPELOOM_TERMINAL") != nullptr;
  // Files that are too large and readers that are gone are errors of the write, with words.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return pipeloom::backend::run_pipeloom_run(argc, argv, std::cout, std::cerr, terminal,
                                               pipeloom::backend::linked_devices());
  } catch (const std::bad_alloc&) {
    pipeloom::backend::print_remark(std::cerr, "this run needs more memory than the machine has");
    return 1;
  } catch (const std::exception& bug) {
    pipeloom::backend::print_remark(std::cerr, std::string("internal error, please report it: ") + bug.what());
    return 70;  // EX_SOFTWARE of sysexits.h
  }
}
