#include "backend/cli/remark.h"

#include <ostream>

#include "core/base/printable.h"

namespace pipeloom::backend {

void print_remark(std::ostream& err, std::string_view text) {
  err << "pipeloom-run: " + printable(text) + '\n' << std::flush;
}

}  // namespace pipeloom::backend
