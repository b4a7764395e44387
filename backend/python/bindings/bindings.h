#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/schedule/host_program.h"
#include "core/schedule/messages.h"
#include "planner/subject/subject.h"

namespace pipeloom::backend {

// pipeloom.Job.
struct PythonJob {
  Job job;
};

// What a search says of its plan.
struct FoundFacts {
  int64_t bound_ns = 0;
  bool proven = false;
  std::string found_by;
  int64_t moves = 0;
  bool interrupted = false;
};

// pipeloom.Plan: a simulated step, and what a search said of it. Immutable.
struct PythonPlan {
  explicit PythonPlan(planner::Subject of, std::optional<FoundFacts> by = std::nullopt)
      : subject(std::move(of)),
        found(std::move(by)),
        messages(subject.evaluation.schedule),
        programs(host_programs(subject.evaluation.schedule, messages)) {}

  planner::Subject subject;
  std::optional<FoundFacts> found;
  MessageTable messages;
  std::vector<HostProgram> programs;  // [rank]

  const Schedule& schedule() const { return subject.evaluation.schedule; }
};

// A Python exception `pipeloom.Error` with the error's words.
struct ErrorInPython {
  Error error;
};

// Returns the value, or throws the error as ErrorInPython.
template <typename T>
T value_or_throw(Result<T> result) {
  if (!result) throw ErrorInPython{std::move(result).error()};
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

// A column of numbers as Python's array.array, which NumPy and PyTorch read without a copy.
pybind11::object array_of(const std::vector<int64_t>& values);

void bind_jobs(pybind11::module_& module);
void bind_plans(pybind11::module_& module);
void bind_orders(pybind11::class_<PythonPlan>& plan);
void bind_traces(pybind11::class_<PythonPlan>& plan);

}  // namespace pipeloom::backend
