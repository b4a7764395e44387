#include "planner/cli/gpu_option.h"

#include "proto/base/files.h"
#include "proto/job/gpu_files.h"

namespace pipeloom::planner {

Result<Gpu> gpu_of_option(const std::string& name) {
  if (!name.ends_with(".txtpb")) return proto::find_gpu(name);
  PIPELOOM_TRY(const std::string text, proto::read_file(name));
  return proto::parse_gpu(name, text);
}

}  // namespace pipeloom::planner
