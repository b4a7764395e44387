#include <fmt/format.h>
#include <pybind11/stl.h>

#include "backend/python/bindings/bindings.h"
#include "planner/app/choose_subject.h"
#include "planner/app/times.h"
#include "planner/subject/compare.h"

namespace pipeloom::backend {

namespace py = pybind11;
using planner::ComparedNumbers;
using planner::ComparedSchedule;

namespace {

// What stands in for a job's own fields, as the command's options of these names do.
struct Changes {
  std::string schedule;
  std::optional<int> ranks;
  std::optional<int> micro_batches;
  std::optional<int> chunks;
  std::optional<int> pipes;
  std::optional<int> waves;
};

planner::JobChanges job_changes(const Changes& changes) {
  return {.schedule = changes.schedule,
          .ranks = changes.ranks,
          .micro_batches = changes.micro_batches,
          .chunks = changes.chunks,
          .pipes = changes.pipes,
          .waves = changes.waves};
}

PythonJob load_job(const std::string& path, const Changes& changes) {
  const py::gil_scoped_release release;
  return {value_or_throw(planner::choose_job({.path = path, .changes = job_changes(changes)}))};
}

PythonJob simple_job(const Changes& changes, const std::string& times, double weight_share) {
  planner::JobChanges all = job_changes(changes);
  all.times = value_or_throw(planner::parse_times(times));
  if (!(weight_share >= 0 && weight_share <= 1)) {
    value_or_throw(Status(invalid(fmt::format("weight_share is {}; allowed are 0 to 1", weight_share))));
  }
  constexpr double kWhole = 1e6;  // millionths
  all.weight_share_millionths = static_cast<int64_t>(weight_share * kWhole + 0.5);
  return {value_or_throw(planner::choose_job({.changes = std::move(all)}))};
}

py::dict to_dict(const Job& job, const ComparedSchedule& compared) {
  py::dict row;
  row["schedule"] = std::string(compared.named->name);
  row["runs"] = compared.numbers.has_value();
  if (!compared.numbers) {
    row["reason"] = compared.numbers.error().message;
    return row;
  }
  const ComparedNumbers& numbers = *compared.numbers;
  row["fits"] = numbers.fits;
  row["step_ns"] = numbers.step_ns;
  row["makespan_ns"] = numbers.makespan_ns;
  row["span_ns"] = numbers.span_ns;
  row["bubble"] = numbers.bubble_global_rate;
  row["bubble_in_span"] = numbers.bubble_span_rate;
  if (job.model) {
    row["peak_memory_bytes"] = numbers.peak_memory;
  } else {
    row["peak_activations"] = static_cast<double>(numbers.peak_memory) / 1e6;
  }
  row["fullest_rank"] = numbers.fullest_rank;
  row["weight_copies"] = numbers.weight_copies;
  row["overlap"] = numbers.overlap;
  row["close_to_best"] = numbers.close_to_best;
  return row;
}

py::list compare(const PythonJob& job) {
  std::vector<ComparedSchedule> compared;
  {
    const py::gil_scoped_release release;
    compared = planner::compare_schedules(job.job);
  }
  py::list rows;
  for (const ComparedSchedule& it : compared) rows.append(to_dict(job.job, it));
  return rows;
}

}  // namespace

void bind_jobs(py::module_& module) {
  using Optional = std::optional<int>;
  py::class_<PythonJob>(module, "Job",
                        "What to train: a model on a cluster, or plain times for a number of ranks. Immutable.")
      .def_property_readonly("name", [](const PythonJob& self) { return self.job.name; })
      .def_property_readonly(
          "ranks", [](const PythonJob& self) { return self.job.layout.pipeline; }, "Ranks of one pipeline.")
      .def_property_readonly(
          "micro_batches", [](const PythonJob& self) { return self.job.micro_batches; },
          "Micro-batches of one pipeline in one step.")
      .def("__repr__", [](const PythonJob& self) {
        return py::str("<pipeloom.Job {}: {} ranks, {} micro-batches>")
            .format(self.job.name.empty() ? "without a name" : self.job.name, self.job.layout.pipeline,
                    self.job.micro_batches);
      });
  module.def(
      "load_job",
      [](const std::string& path, const std::string& schedule, Optional ranks, Optional micro_batches, Optional chunks,
         Optional pipes, Optional waves) {
        return load_job(path, {schedule, ranks, micro_batches, chunks, pipes, waves});
      },
      py::arg("path"), py::kw_only(), py::arg("schedule") = "", py::arg("ranks") = py::none(),
      py::arg("micro_batches") = py::none(), py::arg("chunks") = py::none(), py::arg("pipes") = py::none(),
      py::arg("waves") = py::none(), "Reads a job file. What else is given replaces the file's fields.");
  module.def(
      "simple_job",
      [](int ranks, int micro_batches, const std::string& times, double weight_share, const std::string& schedule,
         Optional chunks, Optional pipes, Optional waves) {
        return simple_job({schedule, ranks, micro_batches, chunks, pipes, waves}, times, weight_share);
      },
      py::arg("ranks"), py::arg("micro_batches"), py::arg("times") = "F=1,I=1,W=1", py::kw_only(),
      py::arg("weight_share") = 1.0, py::arg("schedule") = "", py::arg("chunks") = py::none(),
      py::arg("pipes") = py::none(), py::arg("waves") = py::none(),
      "Makes a job of plain times. `times` are milliseconds of one stage's passes, as in \"F=1,I=1,W=1,link=0.1\";\n"
      "`weight_share` is the share of an activation that W still needs after I, from 0 to 1.");
  module.def(
      "compare", &compare, py::arg("job"),
      "Simulates every named schedule. Schedules that fit the memory come first, by time per step; then those that\n"
      "don't fit; then those that can't run, with the reason. Times are in ns.");
}

}  // namespace pipeloom::backend
