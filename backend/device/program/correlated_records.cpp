#include "backend/device/program/correlated_records.h"

#include <unordered_map>

namespace pipeloom::backend {

std::vector<KernelRecord> match_records(std::span<const CorrelatedCall> calls, std::span<const CorrelatedRun> runs) {
  std::unordered_map<uint32_t, uint32_t> task_of;
  for (const CorrelatedCall& call : calls) task_of[call.correlation] = call.task;
  std::vector<KernelRecord> records;
  for (const CorrelatedRun& run : runs) {
    const auto task = task_of.find(run.correlation);
    if (task != task_of.end()) records.push_back({task->second, run.begin_ns, run.end_ns});
  }
  return records;
}

}  // namespace pipeloom::backend
