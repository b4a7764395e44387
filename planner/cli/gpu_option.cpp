#include "planner/cli/gpu_option.h"

#include "proto/files.h"
#include "proto/gpu_files.h"

namespace pipeloom {

Result<Gpu> gpu_of_option(const std::string& name) {
  if (!name.ends_with(".txtpb")) return find_gpu(name);
  PIPELOOM_TRY(const std::string text, read_file(name));
  return parse_gpu(name, text);
}

}  // namespace pipeloom
