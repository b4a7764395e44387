#include <unistd.h>

#include <iostream>
#include <new>

#include "backend/cli/program.h"

int main(int argc, char** argv) {
  try {
    return pipeloom::run_pipeloom_run(argc, argv, std::cout, std::cerr, isatty(STDERR_FILENO) != 0);
  } catch (const std::bad_alloc&) {
    std::cerr << "pipeloom-run: this run needs more memory than the machine has\n";
    return 1;
  } catch (const std::exception& bug) {
    std::cerr << "pipeloom-run: internal error, please report it: " << bug.what() << '\n';
    return 70;  // EX_SOFTWARE of sysexits.h
  }
}
