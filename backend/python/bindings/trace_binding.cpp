#include <fmt/format.h>
#include <pybind11/stl.h>

#include "backend/python/bindings/bindings.h"
#include "core/tasks/profiled_run.h"
#include "planner/interchange/trace_of_run.h"
#include "proto/trace/trace_io.h"

namespace pipeloom::backend {

namespace py = pybind11;

namespace {

// (begin_ns, end_ns) of each slot of a rank, in its order.
using RankTimes = std::vector<std::pair<int64_t, int64_t>>;

Result<ProfiledRun> run_of(const Schedule& schedule, const std::vector<RankTimes>& times) {
  if (static_cast<int>(times.size()) != schedule.ranks()) {
    return invalid(fmt::format("times has {} ranks; the plan has {}", times.size(), schedule.ranks()));
  }
  ProfiledRun run;
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    const auto slots = schedule.slots_of(rank);
    if (times[rank].size() != slots.size()) {
      return invalid(
          fmt::format("times has {} slots of rank {}; the plan has {}", times[rank].size(), rank, slots.size()));
    }
    for (size_t slot = 0; slot < slots.size(); ++slot) {
      const auto [begin_ns, end_ns] = times[rank][slot];
      if (end_ns < begin_ns) return invalid(fmt::format("slot {} of rank {} ends before it begins", slot, rank));
      run.ranges.push_back({begin_ns, end_ns, slots[slot]});
    }
  }
  std::ranges::stable_sort(run.ranges, {}, &ProfiledRun::Range::begin_ns);
  return run;
}

void write_trace(const PythonPlan& self, const std::string& path, const std::vector<RankTimes>& times,
                 const std::string& name) {
  const py::gil_scoped_release release;
  const ProfiledRun run = value_or_throw(run_of(self.schedule(), times));
  const Plan plan = planner::plan_of(self.subject);
  Trace trace = value_or_throw(planner::trace_of_run(plan, run, planner::KernelWork::kMeasured));
  trace.name = name;
  value_or_throw(proto::write_trace(path, trace));
}

}  // namespace

void bind_traces(py::class_<PythonPlan>& plan) {
  plan.def("write_trace", &write_trace, py::arg("path"), py::arg("times"), py::arg("name") = "",
           "Writes a trace that `pipeloom diff` and `calibrate` read. times[rank][slot] is (begin_ns, end_ns) of a "
           "clock that\n"
           "all ranks share. Components of a slot get their planned shares of its time.");
}

}  // namespace pipeloom::backend
