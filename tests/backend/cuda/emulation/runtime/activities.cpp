// CUPTI's activity records: of kernels, copies and fills, and of which call was made under which external id.
#include "tests/backend/cuda/emulation/runtime/activities.h"

#include <cupti.h>

#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "tests/backend/cuda/emulation/runtime/machine.h"

namespace {

using pipeloom::emulation::machine;
using pipeloom::emulation::Op;
using pipeloom::emulation::Work;

struct Activities {
  CUpti_BuffersCallbackRequestFunc request = nullptr;
  CUpti_BuffersCallbackCompleteFunc complete = nullptr;
  std::set<CUpti_ActivityKind> enabled;
  std::vector<std::vector<uint8_t>> records;
  uint32_t correlations = 0;
  int64_t latest_ns = 0;
};
Activities activities;
thread_local std::vector<uint64_t> external_ids;

template <typename Record>
void add(const Record& record) {
  std::vector<uint8_t> bytes(sizeof record);
  std::memcpy(bytes.data(), &record, sizeof record);
  activities.records.push_back(std::move(bytes));
}

template <typename Record>
void add_run(CUpti_ActivityKind kind, const Op& op) {
  if (!activities.enabled.contains(kind)) return;
  Record record = {};
  record.kind = kind;
  record.correlationId = op.work.correlation;
  record.start = static_cast<uint64_t>(op.begin_ns);
  record.end = static_cast<uint64_t>(op.end_ns);
  add(record);
}

void note(const Op& op) {
  activities.latest_ns = std::max(activities.latest_ns, op.end_ns);
  switch (op.work.kind) {
    case Work::Kind::kKernel:
    case Work::Kind::kNccl:
      return add_run<CUpti_ActivityKernel10>(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, op);
    case Work::Kind::kCopy:
      return add_run<CUpti_ActivityMemcpy6>(CUPTI_ACTIVITY_KIND_MEMCPY, op);
    case Work::Kind::kFill:
      return add_run<CUpti_ActivityMemset4>(CUPTI_ACTIVITY_KIND_MEMSET, op);
    case Work::Kind::kMark:
    case Work::Kind::kHost:
      return;
  }
}

size_t size_of(const CUpti_Activity& record) {
  switch (record.kind) {
    case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL:
      return sizeof(CUpti_ActivityKernel10);
    case CUPTI_ACTIVITY_KIND_MEMCPY:
      return sizeof(CUpti_ActivityMemcpy6);
    case CUPTI_ACTIVITY_KIND_MEMSET:
      return sizeof(CUpti_ActivityMemset4);
    default:
      return sizeof(CUpti_ActivityExternalCorrelation);
  }
}

}  // namespace

namespace pipeloom::emulation {

uint32_t next_correlation() {
  const uint32_t correlation = ++activities.correlations;
  if (!external_ids.empty() && activities.enabled.contains(CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION)) {
    CUpti_ActivityExternalCorrelation record = {};
    record.kind = CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION;
    record.externalKind = CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0;
    record.externalId = external_ids.back();
    record.correlationId = correlation;
    add(record);
  }
  return correlation;
}

void reset_activities() {
  activities = {};
  machine().on_end(note);
}

}  // namespace pipeloom::emulation

CUptiResult cuptiActivityRegisterCallbacks(CUpti_BuffersCallbackRequestFunc request,
                                           CUpti_BuffersCallbackCompleteFunc complete) {
  const auto lock = machine().lock();
  if (!machine().settings().cupti) return CUPTI_ERROR_INSUFFICIENT_PRIVILEGES;
  activities.request = request;
  activities.complete = complete;
  return CUPTI_SUCCESS;
}

CUptiResult cuptiActivityEnable(CUpti_ActivityKind kind) {
  const auto lock = machine().lock();
  activities.enabled.insert(kind);
  return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityDisable(CUpti_ActivityKind kind) {
  const auto lock = machine().lock();
  activities.enabled.erase(kind);
  return CUPTI_SUCCESS;
}

CUptiResult cuptiActivityPushExternalCorrelationId(CUpti_ExternalCorrelationKind /*kind*/, uint64_t id) {
  external_ids.push_back(id);
  return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityPopExternalCorrelationId(CUpti_ExternalCorrelationKind /*kind*/, uint64_t* last) {
  if (external_ids.empty()) return CUPTI_ERROR_QUEUE_EMPTY;
  *last = external_ids.back();
  external_ids.pop_back();
  return CUPTI_SUCCESS;
}

CUptiResult cuptiGetTimestamp(uint64_t* time_ns) {
  const auto lock = machine().lock();
  *time_ns = static_cast<uint64_t>(activities.latest_ns);
  return CUPTI_SUCCESS;
}

// Buffer after buffer of the client's.
CUptiResult cuptiActivityFlushAll(uint32_t /*flag*/) {
  auto lock = machine().lock();
  const auto records = std::exchange(activities.records, {});
  lock.unlock();
  size_t next = 0;
  while (next < records.size()) {
    uint8_t* buffer = nullptr;
    size_t size = 0;
    size_t most = 0;
    activities.request(&buffer, &size, &most);
    size_t used = 0;
    for (; next < records.size() && used + records[next].size() <= size; ++next) {
      std::memcpy(buffer + used, records[next].data(), records[next].size());
      used += records[next].size();
    }
    activities.complete(nullptr, 0, buffer, size, used);
  }
  return CUPTI_SUCCESS;
}

CUptiResult cuptiActivityGetNextRecord(uint8_t* buffer, size_t bytes, CUpti_Activity** record) {
  uint8_t* next = *record == nullptr ? buffer : reinterpret_cast<uint8_t*>(*record) + size_of(**record);
  if (next >= buffer + bytes) return CUPTI_ERROR_MAX_LIMIT_REACHED;
  *record = reinterpret_cast<CUpti_Activity*>(next);
  return CUPTI_SUCCESS;
}

CUptiResult cuptiGetResultString(CUptiResult result, const char** words) {
  *words = result == CUPTI_ERROR_INSUFFICIENT_PRIVILEGES ? "CUPTI_ERROR_INSUFFICIENT_PRIVILEGES" : "CUPTI_ERROR";
  return CUPTI_SUCCESS;
}
