#pragma once

#include <string>

#include "proto/manual/command_page.h"

namespace pipeloom::proto {

// A file for share/bash-completion/completions: subcommands, options, their allowed values, and files elsewhere.
std::string bash_completion(const CommandPage& program);

// The same for zsh, with descriptions: a file for share/zsh/vendor-completions.
std::string zsh_completion(const CommandPage& program);

}  // namespace pipeloom::proto
