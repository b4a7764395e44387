#include "planner/interchange/kineto_summary.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <tuple>

#include "planner/diff/overlap.h"

namespace pipeloom {

namespace {

// Intervals joined where they touch, in order.
std::vector<Interval> joined(const std::vector<RunKernel>& kernels, const std::vector<bool>& streams, bool wanted) {
  std::vector<Interval> intervals;
  for (const RunKernel& kernel : kernels) {
    if (streams[kernel.stream] != wanted) continue;
    if (!intervals.empty() && kernel.begin_ns <= intervals.back().end_ns) {
      intervals.back().end_ns = std::max(intervals.back().end_ns, kernel.end_ns);
    } else {
      intervals.push_back({kernel.begin_ns, kernel.end_ns});
    }
  }
  return intervals;
}

int64_t total_ns(const std::vector<Interval>& intervals) {
  int64_t sum_ns = 0;
  for (const Interval& interval : intervals) sum_ns += interval.end_ns - interval.begin_ns;
  return sum_ns;
}

// The number of SMs that holds for most of the time.
uint32_t usual_sms(const std::map<uint32_t, int64_t>& time_by_sms) {
  const auto most = std::ranges::max_element(time_by_sms, {}, [](const auto& entry) { return entry.second; });
  return most == time_by_sms.end() ? 0 : most->first;
}

int64_t median(std::vector<int64_t>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct StreamTimes {
  StreamSummary summary;
  int64_t communicating_ns = 0;
  std::map<uint32_t, int64_t> time_by_sms;
};

std::vector<StreamTimes> streams_of(const std::vector<RunKernel>& kernels, uint32_t sms) {
  std::vector<StreamTimes> streams;
  for (const RunKernel& kernel : kernels) {
    if (kernel.stream >= streams.size()) streams.resize(kernel.stream + 1);
    StreamTimes& stream = streams[kernel.stream];
    const int64_t duration_ns = kernel.end_ns - kernel.begin_ns;
    ++stream.summary.kernels;
    stream.summary.busy_ns += duration_ns;
    if (!kernel.communicates) continue;
    stream.communicating_ns += duration_ns;
    // A kernel that communicates keeps its SMs: no more of its blocks than there are SMs run at once.
    stream.time_by_sms[sms > 0 ? std::min(kernel.blocks, sms) : kernel.blocks] += duration_ns;
  }
  for (uint32_t i = 0; i < streams.size(); ++i) {
    StreamTimes& stream = streams[i];
    stream.summary.stream = i;
    stream.summary.communication = 2 * stream.communicating_ns > stream.summary.busy_ns;
    if (stream.summary.communication) stream.summary.sms = usual_sms(stream.time_by_sms);
  }
  return streams;
}

// How much of [begin, end) the intervals cover. They are in order and apart.
int64_t covered(const RunKernel& kernel, const std::vector<Interval>& intervals) {
  auto it = std::ranges::partition_point(intervals,
                                         [&](const Interval& interval) { return interval.end_ns <= kernel.begin_ns; });
  int64_t sum_ns = 0;
  for (; it != intervals.end() && it->begin_ns < kernel.end_ns; ++it) {
    sum_ns += std::min(it->end_ns, kernel.end_ns) - std::max(it->begin_ns, kernel.begin_ns);
  }
  return sum_ns;
}

std::vector<KernelContention> contention_of(const std::vector<RunKernel>& kernels,
                                            const std::vector<bool>& communication,
                                            const std::vector<Interval>& beside) {
  constexpr size_t kLeast = 2;  // samples of each kind: one alone says nothing
  std::map<std::pair<uint32_t, uint32_t>, std::array<std::vector<int64_t>, 2>> samples;  // [name, blocks][beside]
  for (const RunKernel& kernel : kernels) {
    const int64_t duration_ns = kernel.end_ns - kernel.begin_ns;
    if (communication[kernel.stream] || kernel.blocks == 0 || duration_ns == 0) continue;
    const int64_t covered_ns = covered(kernel, beside);
    if (covered_ns != 0 && covered_ns != duration_ns) continue;
    samples[{kernel.name, kernel.blocks}][covered_ns == 0 ? 0 : 1].push_back(duration_ns);
  }
  std::vector<KernelContention> contention;
  for (auto& [kernel, times] : samples) {
    auto& [alone, with] = times;
    if (alone.size() < kLeast || with.size() < kLeast) continue;
    contention.push_back({kernel.first, kernel.second, alone.size(), with.size(), median(alone), median(with)});
  }
  std::ranges::sort(contention, std::greater(), [](const KernelContention& it) {
    return it.alone_ns * static_cast<int64_t>(it.alone + it.beside);
  });
  return contention;
}

}  // namespace

bool communicates(const std::string& kernel_name) {
  for (const std::string_view mark : {"ncclDevKernel", "ncclKernel", "dpsk::ep::", "deep_ep::", "nvshmem"}) {
    if (kernel_name.find(mark) != std::string::npos) return true;
  }
  return false;
}

RunSummary summarise(const std::vector<RunKernel>& kernels, uint32_t sms) {
  RunSummary summary;
  std::vector<bool> communication;
  std::map<uint32_t, int64_t> time_by_sms;
  for (const StreamTimes& stream : streams_of(kernels, sms)) {
    communication.push_back(stream.summary.communication);
    if (stream.summary.kernels > 0) summary.streams.push_back(stream.summary);
    if (!stream.summary.communication) continue;
    for (const auto& [count, time_ns] : stream.time_by_sms) time_by_sms[count] += time_ns;
  }
  const std::vector<Interval> compute = joined(kernels, communication, false);
  const std::vector<Interval> exchange = joined(kernels, communication, true);
  summary.compute_ns = total_ns(compute);
  summary.communication_ns = total_ns(exchange);
  summary.hidden_ns = covered_ns(exchange, compute);
  summary.communication_sms = usual_sms(time_by_sms);
  for (const RunKernel& kernel : kernels) {
    summary.span_ns = std::max(summary.span_ns, kernel.end_ns - kernels.front().begin_ns);
  }
  summary.contention = contention_of(kernels, communication, exchange);
  double alone_ns = 0;
  double beside_ns = 0;
  for (const KernelContention& it : summary.contention) {
    alone_ns += static_cast<double>(it.alone_ns) * static_cast<double>(it.beside);
    beside_ns += static_cast<double>(it.beside_ns) * static_cast<double>(it.beside);
  }
  if (alone_ns > 0) summary.slowdown = beside_ns / alone_ns;
  return summary;
}

}  // namespace pipeloom
