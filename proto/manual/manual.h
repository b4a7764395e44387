#pragma once

#include <string>

#include "core/base/result.h"
#include "proto/manual/command_page.h"

namespace pipeloom::proto {

// Writes a program's man pages and completions where an installation has them below `share`: man/man1,
// bash-completion/completions and zsh/vendor-completions. Makes folders that are missing; replaces files whole.
Status write_manual(const CommandPage& program, const std::string& version, const std::string& share);

}  // namespace pipeloom::proto
