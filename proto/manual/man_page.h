#pragma once

#include <string>
#include <vector>

#include "proto/manual/command_page.h"

namespace pipeloom::proto {

struct ManPage {
  std::string name;  // "pipeloom-compare.1"
  std::string text;  // roff, with the man macros
};

// The program's man page, and one for each subcommand that does not forward to another program.
// `version`: "0.1.0", for the foot of the pages.
std::vector<ManPage> man_pages(const CommandPage& program, const std::string& version);

}  // namespace pipeloom::proto
