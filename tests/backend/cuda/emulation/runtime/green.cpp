// The driver's functions for green contexts, which backend/cuda asks for by name.
#include "tests/backend/cuda/emulation/runtime/green.h"

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <cstring>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "tests/backend/cuda/emulation/runtime/streams.h"

using pipeloom::emulation::kSms;

namespace {

// What a resource hides: which split made it, and its SMs.
struct Hidden {
  uint32_t split = 0;
  int32_t device = 0;
  uint32_t sms[(kSms + 31) / 32] = {};
};
static_assert(sizeof(Hidden) <= sizeof(CUdevResource::_internal_padding));

Hidden hidden_of(const CUdevResource& resource) {
  Hidden hidden;
  std::memcpy(&hidden, resource._internal_padding, sizeof hidden);
  return hidden;
}

std::vector<int> sms_of(const Hidden& hidden) {
  std::vector<int> sms;
  for (int sm = 0; sm < kSms; ++sm) {
    if ((hidden.sms[sm / 32] >> (sm % 32) & 1) != 0) sms.push_back(sm);
  }
  return sms;
}

CUdevResource resource_of(int device, uint32_t split, const std::vector<int>& sms) {
  Hidden hidden{split, device, {}};
  for (const int sm : sms) hidden.sms[sm / 32] |= 1u << (sm % 32);
  CUdevResource resource = {};
  resource.type = CU_DEV_RESOURCE_TYPE_SM;
  std::memcpy(resource._internal_padding, &hidden, sizeof hidden);
  resource.sm.smCount = static_cast<unsigned>(sms.size());
  // Of compute capability 9.0 (CUDA 13.0, cuda.h: cuDevSmResourceSplitByCount; the programming guide on green
  // contexts).
  resource.sm.minSmPartitionSize = 8;
  resource.sm.smCoscheduledAlignment = 8;
  return resource;
}

uint32_t splits = 0;

}  // namespace

struct CUdevResourceDesc_st {
  int device = 0;
  std::vector<int> sms;
};
struct CUgreenCtx_st {
  int device = 0;
  std::vector<int> sms;
};

namespace {

std::set<CUgreenCtx> contexts;
std::vector<std::unique_ptr<CUdevResourceDesc_st>> descriptions;  // CUDA has no call that ends them

CUresult device_get(CUdevice* device, int ordinal) {
  if (ordinal < 0 || ordinal >= pipeloom::emulation::machine().settings().devices) return CUDA_ERROR_INVALID_DEVICE;
  *device = ordinal;
  return CUDA_SUCCESS;
}

CUresult get_resource(CUdevice device, CUdevResource* resource, CUdevResourceType type) {
  if (type != CU_DEV_RESOURCE_TYPE_SM) return CUDA_ERROR_INVALID_RESOURCE_TYPE;
  *resource = resource_of(device, 0, pipeloom::emulation::all_sms());
  return CUDA_SUCCESS;
}

CUresult split_by_count(CUdevResource* result, unsigned* groups, const CUdevResource* input, CUdevResource* remainder,
                        unsigned flags, unsigned least) {
  const Hidden hidden = hidden_of(*input);
  if (input->type != CU_DEV_RESOURCE_TYPE_SM || result == nullptr || hidden.split != 0) return CUDA_ERROR_INVALID_VALUE;
  const unsigned unit = flags == CU_DEV_SM_RESOURCE_SPLIT_IGNORE_SM_COSCHEDULING ? 2 : 8;
  const unsigned size = std::max(unit, (least + unit - 1) / unit * unit);
  const std::vector<int> all = sms_of(hidden);
  *groups = std::min(*groups, static_cast<unsigned>(all.size()) / size);
  const uint32_t split = ++splits;
  const auto part = [&](size_t begin, size_t end) {
    return resource_of(hidden.device, split,
                       {all.begin() + static_cast<ptrdiff_t>(begin), all.begin() + static_cast<ptrdiff_t>(end)});
  };
  for (unsigned i = 0; i < *groups; ++i) result[i] = part(i * size, (i + 1) * size);
  if (remainder != nullptr) *remainder = part(*groups * size, all.size());
  return CUDA_SUCCESS;
}

CUresult generate_description(CUdevResourceDesc* description, CUdevResource* resources, unsigned count) {
  if (count == 0) return CUDA_ERROR_INVALID_VALUE;
  auto made = std::make_unique<CUdevResourceDesc_st>();
  std::set<int> sms;
  for (unsigned i = 0; i < count; ++i) {
    const Hidden hidden = hidden_of(resources[i]);
    if (resources[i].type != CU_DEV_RESOURCE_TYPE_SM) return CUDA_ERROR_INVALID_RESOURCE_TYPE;
    if (hidden.split != hidden_of(resources[0]).split) return CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION;
    for (const int sm : sms_of(hidden)) {
      if (!sms.insert(sm).second) return CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION;
    }
    made->device = hidden.device;
  }
  made->sms.assign(sms.begin(), sms.end());
  *description = descriptions.emplace_back(std::move(made)).get();
  return CUDA_SUCCESS;
}

CUresult create(CUgreenCtx* context, CUdevResourceDesc description, CUdevice device, unsigned flags) {
  if (flags != CU_GREEN_CTX_DEFAULT_STREAM) return CUDA_ERROR_INVALID_VALUE;
  if (description->device != device) return CUDA_ERROR_INVALID_DEVICE;
  *context = *contexts.insert(new CUgreenCtx_st{device, description->sms}).first;
  return CUDA_SUCCESS;
}

CUresult destroy(CUgreenCtx context) {
  if (contexts.erase(context) == 0) return CUDA_ERROR_INVALID_CONTEXT;
  delete context;
  return CUDA_SUCCESS;
}

CUresult get_context_resource(CUgreenCtx context, CUdevResource* resource, CUdevResourceType type) {
  if (!contexts.contains(context)) return CUDA_ERROR_INVALID_CONTEXT;
  if (type != CU_DEV_RESOURCE_TYPE_SM) return CUDA_ERROR_INVALID_RESOURCE_TYPE;
  *resource = resource_of(context->device, 0, context->sms);
  return CUDA_SUCCESS;
}

// A driver that errs (Settings::shared_sms) runs the context's kernels on some SMs of others.
CUresult create_stream(CUstream* stream, CUgreenCtx context, unsigned flags, int /*priority*/) {
  if (!contexts.contains(context)) return CUDA_ERROR_INVALID_CONTEXT;
  if (flags != CU_STREAM_NON_BLOCKING) return CUDA_ERROR_INVALID_VALUE;
  std::vector<int> sms = context->sms;
  for (int i = 0; i < pipeloom::emulation::machine().settings().shared_sms; ++i) sms[i] = i;
  *stream = pipeloom::emulation::make_stream(context->device, false, std::move(sms));
  return CUDA_SUCCESS;
}

template <auto kFunction, typename... Arguments>
CUresult with_lock(Arguments... arguments) {
  const auto lock = pipeloom::emulation::machine().lock();
  return kFunction(arguments...);
}

// Also holds each function against the header's type.
template <typename Declared>
void* address(Declared function) {
  return reinterpret_cast<void*>(function);
}

void* driver_function(std::string_view name) {
  if (name == "cuDeviceGet") return address<decltype(&cuDeviceGet)>(with_lock<device_get>);
  if (name == "cuDeviceGetDevResource") return address<decltype(&cuDeviceGetDevResource)>(with_lock<get_resource>);
  if (name == "cuDevSmResourceSplitByCount") {
    return address<decltype(&cuDevSmResourceSplitByCount)>(with_lock<split_by_count>);
  }
  if (name == "cuDevResourceGenerateDesc") {
    return address<decltype(&cuDevResourceGenerateDesc)>(with_lock<generate_description>);
  }
  if (name == "cuGreenCtxCreate") return address<decltype(&cuGreenCtxCreate)>(with_lock<create>);
  if (name == "cuGreenCtxDestroy") return address<decltype(&cuGreenCtxDestroy)>(with_lock<destroy>);
  if (name == "cuGreenCtxGetDevResource") {
    return address<decltype(&cuGreenCtxGetDevResource)>(with_lock<get_context_resource>);
  }
  if (name == "cuGreenCtxStreamCreate") return address<decltype(&cuGreenCtxStreamCreate)>(with_lock<create_stream>);
  return nullptr;
}

}  // namespace

namespace pipeloom::emulation {

void reset_green() {
  for (const CUgreenCtx context : contexts) delete context;
  contexts.clear();
  descriptions.clear();
}

std::vector<std::string> leaked_green() {
  if (contexts.empty()) return {};
  return {std::to_string(contexts.size()) + " green contexts"};
}

}  // namespace pipeloom::emulation

cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned /*version*/,
                                             unsigned long long /*flags*/, cudaDriverEntryPointQueryResult* answer) {
  *function = driver_function(name);
  *answer = *function == nullptr ? cudaDriverEntryPointSymbolNotFound : cudaDriverEntryPointSuccess;
  return cudaSuccess;
}
