#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/job/gpu.h"

namespace pipeloom::proto {

// One file per GPU in proto/gpus/, embedded: what its maker publishes, and what kernels reach, with sources.
std::vector<Gpu> known_gpus();
// A GPU by name ("A100-80GB", "H100", "H800", ...). An unknown name's error lists the known ones.
Result<Gpu> find_gpu(const std::string& name);

// The text of a known GPU's file, comments and all, to start another from.
Result<std::string> gpu_file_text(const std::string& name);

// `text` is what the file `path` holds; errors name it.
Result<Gpu> parse_gpu(const std::string& path, const std::string& text);

}  // namespace pipeloom::proto
