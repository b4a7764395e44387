#pragma once

namespace pipeloom {

// Throws std::logic_error with file and line. Only a bug in Pipeloom calls it.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace pipeloom

#define PIPELOOM_THROW_UNLESS(condition) \
  ((condition) ? static_cast<void>(0) : ::pipeloom::check_failed(#condition, __FILE__, __LINE__))
