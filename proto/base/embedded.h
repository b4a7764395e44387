#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace pipeloom::proto {

// A file of the source tree that the program carries inside: the GPUs' data and the samples.
struct EmbeddedFile {
  std::string_view path;  // from the project's root: "samples/deepseek-v3.txtpb"
  std::string_view content;
};

std::span<const EmbeddedFile> embedded_files();

// A whole embedded file; the error names the path.
Result<std::string> read_embedded_file(const std::string& path);

}  // namespace pipeloom::proto
