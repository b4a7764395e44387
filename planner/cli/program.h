#pragma once

#include <iosfwd>

namespace pipeloom::planner {

struct Terminal {
  bool colour = false;  // stdout is a terminal that shows colours
  int columns = 120;
  bool live = false;  // stdout is a terminal: long work may show how far it is
};

// The `pipeloom` command: parses, runs one subcommand, prints. Returns the exit code: 0, 1 for a bad input, 2 for bad
// usage. Throws nothing that input can cause.
int run_pipeloom(int argc, const char* const* argv, std::ostream& out, std::ostream& err, const Terminal& terminal);

}  // namespace pipeloom::planner
