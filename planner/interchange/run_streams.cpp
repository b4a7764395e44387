#include "planner/interchange/run_streams.h"

#include <algorithm>
#include <string_view>

namespace pipeloom::planner {

bool communicates(const std::string& kernel_name) {
  for (const std::string_view mark : {"ncclDevKernel", "ncclKernel", "dpsk::ep::", "deep_ep::", "nvshmem"}) {
    if (kernel_name.find(mark) != std::string::npos) return true;
  }
  return false;
}

std::string short_kernel_name(const std::string& name) {
  constexpr size_t kMaxLength = 60;  // in characters
  const size_t begin = name.starts_with("void ") ? 5 : 0;
  return name.substr(begin, std::min(name.find_first_of("<(", begin) - begin, kMaxLength));
}

RunStreams::RunStreams(const ProfiledRun& run) : streams_(run.streams.size()) {
  std::vector<bool> name_communicates;
  for (const std::string& name : run.names) name_communicates.push_back(pipeloom::planner::communicates(name));
  for (const ProfiledRun::Kernel& kernel : run.kernels) {
    Stream& stream = streams_[kernel.stream];
    ++stream.kernels;
    stream.busy_ns += kernel.duration_ns();
    if (!name_communicates[kernel.name]) continue;
    stream.communicating_ns += kernel.duration_ns();
    // A kernel that communicates keeps its SMs, so at most one of its blocks runs on each.
    const uint32_t sms = run.sms > 0 ? std::min(kernel.blocks, static_cast<uint32_t>(run.sms)) : kernel.blocks;
    stream.time_by_sms[sms] += kernel.duration_ns();
  }
  compute_ = joined(run, false);
  communication_ = joined(run, true);
}

// Returns the busy intervals of one kind of stream; those that touch are joined.
std::vector<Interval> RunStreams::joined(const ProfiledRun& run, bool communicating) const {
  std::vector<Interval> intervals;
  for (const ProfiledRun::Kernel& kernel : run.kernels) {
    if (communicates(kernel) != communicating) continue;
    if (!intervals.empty() && kernel.begin_ns <= intervals.back().end_ns) {
      intervals.back().end_ns = std::max(intervals.back().end_ns, kernel.end_ns);
    } else {
      intervals.push_back({kernel.begin_ns, kernel.end_ns});
    }
  }
  return intervals;
}

int64_t RunStreams::beside_ns(const ProfiledRun::Kernel& kernel) const {
  auto it = std::ranges::partition_point(communication_,
                                         [&](const Interval& interval) { return interval.end_ns <= kernel.begin_ns; });
  int64_t sum_ns = 0;
  for (; it != communication_.end() && it->begin_ns < kernel.end_ns; ++it) {
    sum_ns += std::min(it->end_ns, kernel.end_ns) - std::max(it->begin_ns, kernel.begin_ns);
  }
  return sum_ns;
}

}  // namespace pipeloom::planner
