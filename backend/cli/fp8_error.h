#pragma once

#include <cstdint>
#include <iosfwd>

namespace pipeloom::backend {

// The command line of `pipeloom-run fp8-error`.
struct Fp8ErrorOptions {
  int64_t size = 256;    // of the square that the product is
  int64_t inner = 4096;  // products that each sum has
  uint64_t seed = 1;
};

// What cutting sums off at 14 bits costs, and what promotion to FP32 wins back.
void print_fp8_error(const Fp8ErrorOptions& options, std::ostream& out);

}  // namespace pipeloom::backend
