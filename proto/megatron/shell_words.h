#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace pipeloom::proto {

struct ShellWord {
  std::string text;
  int line = 0;
};

// The words of a script's commands, its variables put in.
struct ShellWords {
  std::vector<ShellWord> words;
  std::vector<int> branches;  // the lines of if, for, while, until and case, whose bodies were not read
};

// Reads a launch script as a shell would, but runs nothing: quotes, comments, \ at the end of a line, NAME=VALUE,
// NAME=(...), NAME+=(...), $NAME, ${NAME}, ${NAME:-DEFAULT}, ${NAME[@]}, $((2 * 8)). A variable that the script does
// not set, and $(command), stay as they are written. Errors are at "name:line". Memory is bounded: a script whose
// variables grow beyond a million characters is refused.
Result<ShellWords> shell_words(const std::string& name, std::string_view script);

}  // namespace pipeloom::proto
