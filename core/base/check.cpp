#include "core/base/check.h"

#include <fmt/format.h>

#include <stdexcept>

namespace pipeloom {

void check_failed(const char* condition, const char* file, int line) {
  throw std::logic_error(fmt::format("{}:{}: broken invariant: {}", file, line, condition));
}

}  // namespace pipeloom
