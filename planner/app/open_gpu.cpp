#include "planner/app/open_gpu.h"

#include "proto/base/files.h"
#include "proto/job/gpu_files.h"

namespace pipeloom::planner {

Result<Gpu> open_gpu(const std::string& name_or_path) {
  if (!name_or_path.ends_with(".txtpb")) return proto::find_gpu(name_or_path);
  PIPELOOM_TRY(const std::string text, proto::read_file(name_or_path));
  return proto::parse_gpu(name_or_path, text);
}

}  // namespace pipeloom::planner
