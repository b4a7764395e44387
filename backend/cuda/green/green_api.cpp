#include "backend/cuda/green/green_api.h"

#include "backend/cuda/driver_function.h"

namespace pipeloom::backend {

namespace {

// The version in which each function got the form that the header declares.
constexpr unsigned kDeviceGet = 2000;
constexpr unsigned kGreen = 12040;
constexpr unsigned kGreenStream = 12050;

template <typename Function>
Status load(const char* name, unsigned version, Function& function) {
  return load_driver_function(name, version, "green contexts need one of CUDA 12.5 or newer", function);
}

}  // namespace

Result<GreenApi> load_green_api() {
  GreenApi api;
  PIPELOOM_RETURN_IF_ERROR(load("cuDeviceGet", kDeviceGet, api.device_get));
  PIPELOOM_RETURN_IF_ERROR(load("cuDeviceGetDevResource", kGreen, api.get_resource));
  PIPELOOM_RETURN_IF_ERROR(load("cuDevSmResourceSplitByCount", kGreen, api.split_by_count));
  PIPELOOM_RETURN_IF_ERROR(load("cuDevResourceGenerateDesc", kGreen, api.generate_description));
  PIPELOOM_RETURN_IF_ERROR(load("cuGreenCtxCreate", kGreen, api.create));
  PIPELOOM_RETURN_IF_ERROR(load("cuGreenCtxDestroy", kGreen, api.destroy));
  PIPELOOM_RETURN_IF_ERROR(load("cuGreenCtxGetDevResource", kGreen, api.get_context_resource));
  PIPELOOM_RETURN_IF_ERROR(load("cuGreenCtxStreamCreate", kGreenStream, api.create_stream));
  return api;
}

}  // namespace pipeloom::backend
