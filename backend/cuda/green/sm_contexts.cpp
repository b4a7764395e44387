#include "backend/cuda/green/sm_contexts.h"

#include <fmt/format.h>

#include <algorithm>

#include "backend/cuda/cuda_check.h"

namespace pipeloom::backend {

namespace {

Result<CUdevResource> sms_of(const GreenApi& api, int device, CUdevice& handle) {
  // Green contexts need the primary context: this makes it.
  PIPELOOM_CUDA_CHECK(cudaSetDevice(device));
  PIPELOOM_CUDA_CHECK(cudaFree(nullptr));
  PIPELOOM_DRIVER_CHECK(api.device_get(&handle, device));
  CUdevResource resource = {};
  PIPELOOM_DRIVER_CHECK(api.get_resource(handle, &resource, CU_DEV_RESOURCE_TYPE_SM));
  return resource;
}

}  // namespace

Result<SmRules> sm_rules_of(int device) {
  PIPELOOM_TRY(const GreenApi api, load_green_api());
  CUdevice handle = 0;
  PIPELOOM_TRY(const CUdevResource resource, sms_of(api, device, handle));
  SmRules rules;
  rules.sms = static_cast<int>(resource.sm.smCount);
  rules.unit = static_cast<int>(std::max(resource.sm.minSmPartitionSize, resource.sm.smCoscheduledAlignment));
  return rules;
}

Result<std::unique_ptr<SmContexts>> SmContexts::create(int device, const SmPartition& partition) {
  std::unique_ptr<SmContexts> contexts(new SmContexts(partition));
  if (partition.unit == 0) {
    PIPELOOM_CUDA_CHECK(cudaSetDevice(device));
    contexts->compute_.push_back({nullptr, partition.compute_sms});
  } else {
    PIPELOOM_RETURN_IF_ERROR(contexts->make_contexts(device));
  }
  return contexts;
}

Status SmContexts::make_contexts(int device) {
  PIPELOOM_TRY(api_, load_green_api());
  CUdevice handle = 0;
  PIPELOOM_TRY(const CUdevResource all, sms_of(api_, device, handle));
  const unsigned flags = partition_.large_clusters ? 0 : CU_DEV_SM_RESOURCE_SPLIT_IGNORE_SM_COSCHEDULING;
  const auto unit = static_cast<unsigned>(partition_.unit);
  auto count = static_cast<unsigned>(partition_.units());
  std::vector<CUdevResource> units(count);
  CUdevResource remainder = {};
  PIPELOOM_DRIVER_CHECK(api_.split_by_count(units.data(), &count, &all, &remainder, flags, unit));
  if (static_cast<int>(count) < partition_.units()) {
    return unsupported(fmt::format("{}: the driver splits {} SMs into {} units of {} only; {} are needed",
                                   describe(partition_), all.sm.smCount, count, unit, partition_.units()));
  }
  auto next = units.begin();
  const auto take = [&](int wanted) {
    std::vector<CUdevResource> taken(next, next + wanted);
    next += wanted;
    return taken;
  };
  for (int rank = 0; rank < partition_.ranks; ++rank) {
    PIPELOOM_TRY(const Context compute, make_context(handle, take(partition_.compute_units()), partition_.compute_sms));
    compute_.push_back(compute);
    if (partition_.comm_sms == 0) continue;
    std::vector<CUdevResource> resources = take(partition_.comm_units());
    if (partition_.comm_from_remainder) resources.push_back(remainder);
    PIPELOOM_TRY(const Context comm, make_context(handle, std::move(resources), partition_.comm_sms));
    comm_.push_back(comm);
  }
  return {};
}

// Units of one split merge in a descriptor.
Result<SmContexts::Context> SmContexts::make_context(CUdevice device, std::vector<CUdevResource> resources,
                                                     int expected_sms) {
  CUdevResourceDesc description = nullptr;
  PIPELOOM_DRIVER_CHECK(
      api_.generate_description(&description, resources.data(), static_cast<unsigned>(resources.size())));
  Context context;
  PIPELOOM_DRIVER_CHECK(api_.create(&context.handle, description, device, CU_GREEN_CTX_DEFAULT_STREAM));
  CUdevResource achieved = {};
  PIPELOOM_DRIVER_CHECK(api_.get_context_resource(context.handle, &achieved, CU_DEV_RESOURCE_TYPE_SM));
  context.sms = static_cast<int>(achieved.sm.smCount);
  if (context.sms == expected_sms) return context;
  api_.destroy(context.handle);
  return unsupported(fmt::format("{}: the driver gives a partition of {} SMs where {} are planned",
                                 describe(partition_), context.sms, expected_sms));
}

SmContexts::~SmContexts() {
  for (const cudaStream_t stream : streams_) cudaStreamDestroy(stream);
  for (const auto* contexts : {&compute_, &comm_}) {
    for (const Context& context : *contexts) {
      if (context.handle != nullptr) api_.destroy(context.handle);
    }
  }
}

const SmContexts::Context& SmContexts::context(int rank, bool communication) const {
  return communication && !comm_.empty() ? comm_[rank] : compute_[rank];
}

cudaStream_t SmContexts::make_stream(int rank, bool communication) {
  const Context& place = context(rank, communication);
  cudaStream_t stream = nullptr;
  if (place.handle == nullptr) {
    PIPELOOM_CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  } else {
    PIPELOOM_DRIVER_CHECK(api_.create_stream(&stream, place.handle, CU_STREAM_NON_BLOCKING, 0));
  }
  streams_.push_back(stream);
  return stream;
}

int SmContexts::sms(int rank, bool communication) const {
  return context(rank, communication).sms;
}

}  // namespace pipeloom::backend
