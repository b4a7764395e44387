#include "planner/cli/kineto_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/kineto/kineto.h"
#include "proto/torch/schedule_csv.h"

namespace pipeloom {

bool is_kineto_path(const std::string& path) {
  return path.ends_with(".json") || path.ends_with(".json.gz");
}

std::vector<RunKernel> kernels_of(const KinetoRun& run) {
  std::vector<bool> communication;
  for (const std::string& name : run.names.strings()) communication.push_back(communicates(name));
  std::vector<RunKernel> kernels;
  kernels.reserve(run.kernels.size());
  for (const KinetoRun::Kernel& it : run.kernels) {
    kernels.push_back({it.begin_ns, it.end_ns, it.stream, it.name, it.blocks, communication[it.name]});
  }
  return kernels;
}

std::vector<MeasuredSlot> slots_of(const KinetoRun& run) {
  constexpr std::string_view kMark = "PP:";
  std::vector<std::optional<Slot>> slots;
  for (const std::string& name : run.names.strings()) {
    slots.push_back(name.starts_with(kMark) ? parse_torch_pass(name.substr(kMark.size())) : std::nullopt);
  }
  const bool on_gpu = std::ranges::any_of(run.ranges, &KinetoRun::Range::on_gpu);
  std::vector<MeasuredSlot> measured;
  for (const KinetoRun::Range& range : run.ranges) {
    if (range.on_gpu == on_gpu && slots[range.name]) {
      measured.push_back({*slots[range.name], range.begin_ns, range.end_ns});
    }
  }
  return measured;
}

Result<Trace> read_kineto_trace(const std::string& path, const Plan& plan) {
  PIPELOOM_TRY(const KinetoRun run, read_kineto(path));
  const std::vector<MeasuredSlot> measured = slots_of(run);
  if (measured.empty()) {
    return invalid(fmt::format("{}: no ranges of a pipeline schedule (\"PP:0F0\") to join with the plan", path));
  }
  auto trace = trace_of_slots(plan, measured);
  if (!trace) return fail(trace.error().code, fmt::format("{}: {}", path, trace.error().message));
  trace->name = path.substr(path.find_last_of('/') + 1);
  return trace;
}

}  // namespace pipeloom
