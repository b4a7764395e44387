#include "backend/cli/fp8_error.h"

#include <fmt/format.h>

#include <ostream>

#include "backend/model/accumulation_error.h"

namespace pipeloom::backend {

void print_fp8_error(const Fp8ErrorOptions& options, std::ostream& out) {
  out << fmt::format(
      "sums of {} products of E4M3 numbers, {} of them, random and normally distributed\n\n"
      "tensor core                                      largest error   mean\n",
      options.inner, options.size * options.size);
  const auto row = [&](const char* name, const Accumulation& how) {
    const AccumulationError error = accumulation_error(options.size, options.inner, options.seed, how);
    out << fmt::format("{:<48} {:>11.3f} % {:>6.4f} %\n", name, 100 * error.largest, 100 * error.mean_square_root);
  };
  row("14 bits, no promotion", {.promote_every = 0});
  row("14 bits, promoted to FP32 every 512", {.promote_every = 512});
  row("14 bits, promoted to FP32 every 128 (4 WGMMAs)", {.promote_every = 128});
  out << "\nerror: of the exact sum of the same numbers, relative to the root mean square of all sums\n";
}

}  // namespace pipeloom::backend
