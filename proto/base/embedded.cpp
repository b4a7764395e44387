#include "proto/base/embedded.h"

#include <fmt/format.h>

namespace pipeloom::proto {

Result<std::string> read_embedded_file(const std::string& path) {
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.path == path) return std::string(file.content);
  }
  return fail(ErrorCode::kNotFound, fmt::format("{}: no such embedded file", path));
}

}  // namespace pipeloom::proto
