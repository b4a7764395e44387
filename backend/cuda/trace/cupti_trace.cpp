#include "backend/cuda/trace/cupti_trace.h"

#include <cupti.h>
#include <fmt/format.h>

#include <cstdlib>
#include <mutex>
#include <utility>

#include "backend/cuda/cuda_check.h"
#include "backend/device/program/correlated_records.h"

namespace pipeloom::backend {

namespace {

constexpr size_t kBufferBytes = size_t{8} << 20;  // CUPTI asks for 1 to 10 MB
constexpr size_t kAlignment = 8;

// A correlation record comes before that of the API call that it is about, so those are needed too.
constexpr CUpti_ActivityKind kKinds[] = {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL,
                                         CUPTI_ACTIVITY_KIND_MEMCPY,
                                         CUPTI_ACTIVITY_KIND_RUNTIME,
                                         CUPTI_ACTIVITY_KIND_DRIVER,
                                         CUPTI_ACTIVITY_KIND_MEMSET,
                                         CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION};

// CUPTI calls back from a thread of its own and knows no object.
struct Collected {
  std::mutex mutex;
  std::vector<CorrelatedCall> calls;
  std::vector<CorrelatedRun> runs;
};
Collected& collected() {
  static Collected all;
  return all;
}

void CUPTIAPI give_buffer(uint8_t** buffer, size_t* size, size_t* most_records) {
  *buffer = static_cast<uint8_t*>(std::aligned_alloc(kAlignment, kBufferBytes));
  *size = *buffer == nullptr ? 0 : kBufferBytes;
  *most_records = 0;  // as many as fit
}

template <typename Record>
void add_run(const CUpti_Activity* record) {
  const auto* run = reinterpret_cast<const Record*>(record);
  collected().runs.push_back({run->correlationId, static_cast<int64_t>(run->start), static_cast<int64_t>(run->end)});
}

void add_record(const CUpti_Activity* record) {
  switch (record->kind) {
    case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL:
      add_run<CUpti_ActivityKernel10>(record);
      break;
    case CUPTI_ACTIVITY_KIND_MEMCPY:
      add_run<CUpti_ActivityMemcpy6>(record);
      break;
    case CUPTI_ACTIVITY_KIND_MEMSET:
      add_run<CUpti_ActivityMemset4>(record);
      break;
    case CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION: {
      const auto* call = reinterpret_cast<const CUpti_ActivityExternalCorrelation*>(record);
      collected().calls.push_back({call->correlationId, static_cast<uint32_t>(call->externalId)});
      break;
    }
    default:
      break;
  }
}

void CUPTIAPI take_buffer(CUcontext /*context*/, uint32_t /*stream*/, uint8_t* buffer, size_t /*size*/,
                          size_t valid_size) {
  {
    const std::lock_guard lock(collected().mutex);
    CUpti_Activity* record = nullptr;
    while (cuptiActivityGetNextRecord(buffer, valid_size, &record) == CUPTI_SUCCESS) add_record(record);
  }
  std::free(buffer);
}

}  // namespace

Result<std::unique_ptr<CuptiTrace>> CuptiTrace::start() {
  CUptiResult result = cuptiActivityRegisterCallbacks(give_buffer, take_buffer);
  for (const CUpti_ActivityKind kind : kKinds) {
    if (result == CUPTI_SUCCESS) result = cuptiActivityEnable(kind);
  }
  if (result != CUPTI_SUCCESS) {
    const char* words = nullptr;
    if (cuptiGetResultString(result, &words) != CUPTI_SUCCESS) words = "unknown";
    for (const CUpti_ActivityKind kind : kKinds) cuptiActivityDisable(kind);
    return unsupported(fmt::format("CUPTI can't trace kernels: {}", words));
  }
  return std::unique_ptr<CuptiTrace>(new CuptiTrace);
}

CuptiTrace::~CuptiTrace() {
  for (const CUpti_ActivityKind kind : kKinds) cuptiActivityDisable(kind);
}

void CuptiTrace::begins(const Launch& launch, StreamHandle /*stream*/) {
  PIPELOOM_CUPTI_CHECK(
      cuptiActivityPushExternalCorrelationId(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0, launch.tasks.front()));
}

void CuptiTrace::ends(const Launch& /*launch*/, StreamHandle /*stream*/) {
  uint64_t last = 0;
  PIPELOOM_CUPTI_CHECK(cuptiActivityPopExternalCorrelationId(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0, &last));
}

int64_t CuptiTrace::now_ns() {
  uint64_t now = 0;
  PIPELOOM_CUPTI_CHECK(cuptiGetTimestamp(&now));
  return static_cast<int64_t>(now);
}

std::vector<KernelRecord> CuptiTrace::records() {
  PIPELOOM_CUPTI_CHECK(cuptiActivityFlushAll(0));
  const std::lock_guard lock(collected().mutex);
  const auto calls = std::exchange(collected().calls, {});
  const auto runs = std::exchange(collected().runs, {});
  return match_records(calls, runs);
}

}  // namespace pipeloom::backend
