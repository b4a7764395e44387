#pragma once

#include <type_traits>

namespace pipeloom::proto {

// Steps between values of a column. They wrap around, so that any two values have one.
template <typename Integer>
Integer wrapping_step(Integer from, Integer to) {
  using Unsigned = std::make_unsigned_t<Integer>;
  return static_cast<Integer>(static_cast<Unsigned>(to) - static_cast<Unsigned>(from));
}
template <typename Integer>
Integer wrapping_advance(Integer from, Integer by) {
  using Unsigned = std::make_unsigned_t<Integer>;
  return static_cast<Integer>(static_cast<Unsigned>(from) + static_cast<Unsigned>(by));
}

}  // namespace pipeloom::proto
