#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <new>

#include "planner/cli/program.h"

namespace {

pipeloom::planner::Terminal stdout_terminal() {
  pipeloom::planner::Terminal terminal;
  if (isatty(STDOUT_FILENO) == 0) return terminal;
  terminal.live = true;
  // https://no-color.org
  terminal.colour = std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) terminal.columns = size.ws_col;
  return terminal;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return pipeloom::planner::run_pipeloom(argc, argv, std::cout, std::cerr, stdout_terminal());
  } catch (const std::bad_alloc&) {
    std::cerr << "pipeloom: this job needs more memory than the machine has\n";
    return 1;
  } catch (const std::exception& bug) {
    std::cerr << "pipeloom: internal error, please report it: " << bug.what() << '\n';
    return 70;  // EX_SOFTWARE of sysexits.h
  }
}
