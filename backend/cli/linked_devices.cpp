// The one file that knows which devices a build has: backend/CMakeLists.txt defines PIPELOOM_WITH_CUDA, or generates
// why_without_cuda().
#include "backend/cli/linked_devices.h"

#include <string>

#include "backend/device/table/cpu_row.h"
#ifdef PIPELOOM_WITH_CUDA
#include "backend/cuda/row/cuda_row.h"
#else
#include "backend/device/table/cuda_outline.h"

namespace pipeloom {
const char* why_without_cuda();  // "no nvcc was found"
}  // namespace pipeloom
#endif

namespace pipeloom::backend {

DeviceTable linked_devices() {
#ifdef PIPELOOM_WITH_CUDA
  const DeviceKind cuda = cuda_row();
#else
  DeviceKind cuda = cuda_outline();
  cuda.missing = std::string("built without CUDA (") + why_without_cuda() + ")";
#endif
  return DeviceTable({cpu_row(), cuda});
}

}  // namespace pipeloom::backend
