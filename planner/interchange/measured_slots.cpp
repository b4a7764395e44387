#include "planner/interchange/measured_slots.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "planner/interchange/run_streams.h"
#include "planner/interchange/run_summary.h"

namespace pipeloom::planner {

namespace {

KernelRole exchange_role(const std::string& name) {
  if (name.find("notify") != std::string::npos || name.find("barrier") != std::string::npos) return KernelRole::kNotify;
  if (name.find("dispatch") != std::string::npos) return KernelRole::kDispatch;
  if (name.find("combine") != std::string::npos) return KernelRole::kCombine;
  return KernelRole::kExchange;
}

// How much longer each kernel takes beside communication.
class Slowdowns {
 public:
  explicit Slowdowns(const RunContention& contention) : average_(contention.slowdown) {
    for (const KernelContention& it : contention.kernels) of_kernel_[{it.name, it.blocks}] = it.slowdown();
  }
  double of(const ProfiledRun::Kernel& kernel) const {
    const auto found = of_kernel_.find({kernel.name, kernel.blocks});
    return found == of_kernel_.end() ? average_ : found->second;
  }

 private:
  double average_ = 1;
  std::map<std::pair<uint32_t, uint32_t>, double> of_kernel_;
};

// The slots of a run: ranges of one slot that overlap in time are joined, on whichever streams they are.
struct SlotRanges {
  std::vector<MeasuredSlot> slots;
  std::vector<size_t> slot_of;  // [range]
};

SlotRanges joined(const std::vector<ProfiledRun::Range>& ranges, bool on_gpu) {
  SlotRanges joined;
  for (const ProfiledRun::Range& range : ranges) {
    size_t found = joined.slots.size();
    if (range.on_gpu == on_gpu) {
      // Ranges are in order of begin, so those that overlap this one are among the last, one for each stream.
      constexpr size_t kMaxStreams = 64;
      const size_t first = found - std::min(found, kMaxStreams);
      for (size_t i = found; i-- > first;) {
        if (joined.slots[i].slot == range.slot && joined.slots[i].end_ns > range.begin_ns) found = i;
      }
      if (found == joined.slots.size()) joined.slots.push_back({range.slot, range.begin_ns, range.end_ns});
      joined.slots[found].end_ns = std::max(joined.slots[found].end_ns, range.end_ns);
    }
    joined.slot_of.push_back(found);
  }
  return joined;
}

// Finds the range that holds a time. Ranges are added in order of begin.
class RangeIndex {
 public:
  void add(const ProfiledRun::Range& range, size_t slot) { entries_.push_back({range.begin_ns, range.end_ns, slot}); }

  // Returns the slot of the last range that begins no later than `time_ns`; null if that range has ended.
  const size_t* slot_at(int64_t time_ns) const {
    const auto after = std::ranges::upper_bound(entries_, time_ns, {}, &Entry::begin_ns);
    if (after == entries_.begin() || std::prev(after)->end_ns <= time_ns) return nullptr;
    return &std::prev(after)->slot;
  }

 private:
  struct Entry {
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    size_t slot = 0;
  };
  std::vector<Entry> entries_;
};

// Gives every kernel to its slot. On the GPU a range of the kernel's own stream comes first: the exchange of one slot
// may run beside the compute of the next.
void add_kernels(const ProfiledRun& run, const std::vector<SlotKernel>& kernels, bool on_gpu, SlotRanges& ranges) {
  RangeIndex all;
  std::vector<RangeIndex> of_stream(run.streams.size());
  for (size_t i = 0; i < run.ranges.size(); ++i) {
    if (run.ranges[i].on_gpu != on_gpu) continue;
    all.add(run.ranges[i], ranges.slot_of[i]);
    if (on_gpu) of_stream[run.ranges[i].stream].add(run.ranges[i], ranges.slot_of[i]);
  }
  for (size_t i = 0; i < kernels.size(); ++i) {
    const ProfiledRun::Kernel& kernel = run.kernels[i];
    const int64_t time_ns = on_gpu ? kernel.begin_ns : kernel.launch_ns;
    const size_t* slot = on_gpu ? of_stream[kernel.stream].slot_at(time_ns) : nullptr;
    if (slot == nullptr) slot = all.slot_at(time_ns);
    if (slot != nullptr) ranges.slots[*slot].kernels.push_back(kernels[i]);
  }
}

}  // namespace

std::vector<SlotKernel> kernels_with_roles(const ProfiledRun& run, KernelWork work) {
  const RunStreams streams(run);
  const Slowdowns slowdowns(work == KernelWork::kAlone ? contention_of(run, streams) : RunContention());
  std::vector<KernelRole> roles;
  for (const std::string& name : run.names) roles.push_back(exchange_role(name));
  std::vector<SlotKernel> kernels;
  kernels.reserve(run.kernels.size());
  for (const ProfiledRun::Kernel& kernel : run.kernels) {
    SlotKernel& it = kernels.emplace_back();
    it = {kernel.begin_ns, kernel.end_ns, kernel.duration_ns(), KernelRole::kCompute, kernel.name};
    if (streams.communicates(kernel)) {
      it.role = roles[kernel.name];
    } else if (work == KernelWork::kAlone) {
      const auto beside_ns = static_cast<double>(streams.beside_ns(kernel));
      it.work_ns -= std::llround(beside_ns - beside_ns / slowdowns.of(kernel));
    }
  }
  return kernels;
}

std::vector<MeasuredSlot> measured_slots(const ProfiledRun& run, KernelWork work) {
  const bool on_gpu = std::ranges::any_of(run.ranges, &ProfiledRun::Range::on_gpu);
  SlotRanges ranges = joined(run.ranges, on_gpu);
  add_kernels(run, kernels_with_roles(run, work), on_gpu, ranges);
  for (MeasuredSlot& slot : ranges.slots) {
    if (on_gpu || slot.kernels.empty()) continue;
    slot.begin_ns = slot.kernels.front().begin_ns;
    slot.end_ns = slot.begin_ns;
    for (const SlotKernel& kernel : slot.kernels) slot.end_ns = std::max(slot.end_ns, kernel.end_ns);
  }
  return std::move(ranges.slots);
}

}  // namespace pipeloom::planner
