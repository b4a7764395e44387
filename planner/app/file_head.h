#pragma once

#include <string>

#include "core/base/result.h"

namespace pipeloom::planner {

// How a file begins.
struct FileHead {
  std::string text = {};  // unpacked, up to the first zero, at most 64 KiB
  bool gzipped = false;
  bool empty = false;
  bool readable_once = false;  // a pipe: nothing was read of it, so that it is still there for its reader
};

// Fails where there is no file, or it can't be read.
Result<FileHead> read_file_head(const std::string& path);

}  // namespace pipeloom::planner
