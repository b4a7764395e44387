#pragma once

#include <string>
#include <vector>

namespace pipeloom::emulation {

void reset_green();
std::vector<std::string> leaked_green();

}  // namespace pipeloom::emulation
