#include "planner/interchange/run_summary.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>

namespace pipeloom::planner {

namespace {

int64_t total_ns(const std::vector<Interval>& intervals) {
  int64_t sum_ns = 0;
  for (const Interval& interval : intervals) sum_ns += interval.end_ns - interval.begin_ns;
  return sum_ns;
}

// Returns the number of SMs that is kept for most of the time.
uint32_t usual_sms(const std::map<uint32_t, int64_t>& time_by_sms) {
  const auto most = std::ranges::max_element(time_by_sms, {}, [](const auto& entry) { return entry.second; });
  return most == time_by_sms.end() ? 0 : most->first;
}

int64_t median(std::vector<int64_t>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double weighted_slowdown(const std::vector<KernelContention>& kernels) {
  double alone_ns = 0;
  double beside_ns = 0;
  for (const KernelContention& it : kernels) {
    alone_ns += static_cast<double>(it.alone_ns) * static_cast<double>(it.beside);
    beside_ns += static_cast<double>(it.beside_ns) * static_cast<double>(it.beside);
  }
  return alone_ns > 0 ? beside_ns / alone_ns : 1;
}

}  // namespace

RunContention contention_of(const ProfiledRun& run, const RunStreams& streams) {
  constexpr size_t kMinSamples = 2;  // samples of each kind, since a single one says nothing
  std::map<std::pair<uint32_t, uint32_t>, std::array<std::vector<int64_t>, 2>> samples;  // [name, blocks][beside]
  for (const ProfiledRun::Kernel& kernel : run.kernels) {
    const int64_t duration_ns = kernel.duration_ns();
    if (streams.communicates(kernel) || kernel.blocks == 0 || duration_ns == 0) continue;
    const int64_t beside_ns = streams.beside_ns(kernel);
    if (beside_ns != 0 && beside_ns != duration_ns) continue;
    samples[{kernel.name, kernel.blocks}][beside_ns == 0 ? 0 : 1].push_back(duration_ns);
  }
  RunContention contention;
  for (auto& [kernel, times] : samples) {
    auto& [alone, beside] = times;
    if (alone.size() < kMinSamples || beside.size() < kMinSamples) continue;
    contention.kernels.push_back(
        {kernel.first, kernel.second, alone.size(), beside.size(), median(alone), median(beside)});
  }
  std::ranges::sort(contention.kernels, std::greater(), [](const KernelContention& it) {
    return it.alone_ns * static_cast<int64_t>(it.alone + it.beside);
  });
  contention.slowdown = weighted_slowdown(contention.kernels);
  return contention;
}

RunSummary summarise(const ProfiledRun& run) {
  const RunStreams streams(run);
  RunSummary summary;
  std::map<uint32_t, int64_t> time_by_sms;
  for (uint32_t i = 0; i < streams.streams().size(); ++i) {
    const RunStreams::Stream& stream = streams.streams()[i];
    if (stream.kernels == 0) continue;
    const bool communicates = stream.communicates();
    summary.streams.push_back(
        {i, communicates, stream.kernels, stream.busy_ns, communicates ? usual_sms(stream.time_by_sms) : 0});
    if (!communicates) continue;
    for (const auto& [count, time_ns] : stream.time_by_sms) time_by_sms[count] += time_ns;
  }
  summary.compute_ns = total_ns(streams.compute());
  summary.communication_ns = total_ns(streams.communication());
  summary.hidden_ns = covered_ns(streams.communication(), streams.compute());
  summary.communication_sms = usual_sms(time_by_sms);
  for (const ProfiledRun::Kernel& kernel : run.kernels) {
    summary.span_ns = std::max(summary.span_ns, kernel.end_ns - run.kernels.front().begin_ns);
  }
  summary.contention = contention_of(run, streams);
  return summary;
}

}  // namespace pipeloom::planner
