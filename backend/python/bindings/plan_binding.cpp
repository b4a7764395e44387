#include <fmt/format.h>
#include <pybind11/stl.h>

#include <atomic>
#include <chrono>
#include <cmath>

#include "backend/python/bindings/bindings.h"
#include "planner/app/choose_subject.h"
#include "planner/app/order_search.h"
#include "planner/app/save_plan.h"
#include "planner/app/search_limits.h"
#include "planner/app/subject_svg.h"
#include "planner/schedules/schedule_table.h"
#include "sim/report/memory.h"

namespace pipeloom::backend {

namespace py = pybind11;
using planner::Subject;

namespace {

tl::unexpected<Error> not_allowed(const char* name, double value, const char* allowed) {
  return invalid(fmt::format("{} is {}; allowed are {}", name, value, allowed));
}

PythonPlan load_plan(const std::string& path, const std::string& job) {
  const py::gil_scoped_release release;
  return PythonPlan(value_or_throw(planner::choose_subject({.path = path, .job_path = job})));
}

PythonPlan plan(const PythonJob& job, const std::string& schedule, std::optional<int> comm_sms) {
  const py::gil_scoped_release release;
  Job own = job.job;
  if (!schedule.empty()) own.schedule.name = schedule;
  Subject subject = value_or_throw(planner::subject_of(own));
  return PythonPlan(value_or_throw(planner::plan_overlap(std::move(subject), comm_sms)));
}

struct Search {
  std::optional<double> budget_s;
  std::optional<int64_t> moves;
  uint64_t seed = 1;
  int workers = 2;
  bool exact = false;
  std::string placement;
  std::vector<double> memory_cap;
  std::string objective;
};

Result<planner::OrderRequest> request_of(const Search& search) {
  planner::OrderRequest request;
  if (!search.placement.empty()) {
    PIPELOOM_TRY(request.placement, placement_kind_from_name(search.placement));
  }
  for (const double cap : search.memory_cap) {
    constexpr double kMost = 1e6;
    if (!(cap > 0 && cap <= kMost)) return not_allowed("memory_cap", cap, "activations, more than 0");
    request.caps.push_back(std::llround(cap * 1e6));
  }
  if (search.objective != "makespan" && search.objective != "span") {
    return invalid(fmt::format("objective is {}; allowed are makespan and span", search.objective));
  }
  if (search.objective == "span") request.objective = planner::Objective::kSpan;
  return request;
}

Result<planner::SearchEffort> effort_of(const Search& search) {
  constexpr double kDay = 86'400;
  if (search.budget_s && !(*search.budget_s > 0 && *search.budget_s <= kDay)) {
    return not_allowed("budget_s", *search.budget_s, "seconds, more than 0 and at most a day");
  }
  if (search.moves && *search.moves < 1) {
    return not_allowed("moves", static_cast<double>(*search.moves), "numbers of at least 1");
  }
  if (search.workers < 1) return not_allowed("workers", search.workers, "numbers of at least 1");
  planner::SearchEffort effort = {
      .moves = search.moves, .seed = search.seed, .workers = search.workers, .exact = search.exact};
  if (search.budget_s) {
    effort.budget = std::chrono::nanoseconds(std::llround(*search.budget_s * 1e9));
  }
  return effort;
}

// Looks for Ctrl-C between the rounds of a search, at most so often.
class SignalCheck {
 public:
  bool due() {
    constexpr auto kBetween = std::chrono::milliseconds(20);
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < kBetween) return false;
    last_ = now;
    return true;
  }
  // Runs Python's handlers. A KeyboardInterrupt raises the flag and is done with; whatever else they raise is kept.
  void run() {
    const py::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() == 0) return;
    interrupted = true;
    if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0) {
      PyErr_Clear();
    } else {
      raised.emplace();
    }
  }

  std::atomic<bool> interrupted = false;
  std::optional<py::error_already_set> raised;

 private:
  std::chrono::steady_clock::time_point last_;
};

PythonPlan search(const PythonJob& job, const Search& search) {
  const planner::OrderRequest request = value_or_throw(request_of(search));
  const planner::SearchEffort effort = value_or_throw(effort_of(search));
  SignalCheck signals;
  std::optional<planner::FoundOrder> found;
  {
    const py::gil_scoped_release release;
    planner::SearchedJob searched = value_or_throw(planner::searched_job(job.job, request));
    planner::SearchLimits limits = planner::limits_of(effort, searched.job);
    limits.cancel = &signals.interrupted;
    limits.progress = [&](const planner::SearchProgress&) {
      if (signals.due()) signals.run();
    };
    found = value_or_throw(planner::search_order(std::move(searched), limits));
  }
  if (signals.raised) throw *std::move(signals.raised);
  const planner::SearchResult& result = found->result;
  FoundFacts facts = {result.bound_ns, result.proven, result.found_by, result.moves, signals.interrupted};
  return PythonPlan(std::move(found->subject), std::move(facts));
}

py::object search_facts(const PythonPlan& self) {
  if (!self.found) return py::none();
  py::dict facts;
  facts["bound_ns"] = self.found->bound_ns;
  facts["proven"] = self.found->proven;
  facts["found_by"] = self.found->found_by;
  facts["moves"] = self.found->moves;
  facts["interrupted"] = self.found->interrupted;
  return facts;
}

py::list memory(const PythonPlan& self) {
  py::list ranks;
  for (const planner::RankMemory& memory : self.subject.evaluation.memory) {
    py::dict rank;
    if (!self.subject.job.model) {
      rank["activations"] = static_cast<double>(memory.activations) / 1e6;
      ranks.append(rank);
      continue;
    }
    rank["weights_bytes"] = memory.state.weights_bytes;
    rank["gradients_bytes"] = memory.state.gradients_bytes;
    rank["optimizer_bytes"] = memory.state.optimizer_bytes;
    rank["activations_bytes"] = memory.activations;
    rank["receive_buffers_bytes"] = memory.receive_buffers;
    rank["temporaries_bytes"] = memory.temporaries;
    rank["reserve_bytes"] = memory.reserve.total_bytes();
    rank["total_bytes"] = memory.total();
    ranks.append(rank);
  }
  return ranks;
}

// [rank] Micro-batches of which the rank holds activations at its fullest moment, W's included.
std::vector<int64_t> peak_micro_batches(const PythonPlan& self) {
  const std::vector<ActivationSize> ones(self.schedule().stages(), ActivationSize{1, 1});
  return sim::peak_activations(self.schedule(), ones);
}

}  // namespace

void bind_plans(py::module_& module) {
  py::class_<PythonPlan> type(
      module, "Plan", "A simulated step: who computes what in which order, and when. Immutable. Notebooks draw it.");
  type.def_property_readonly(
          "schedule", [](const PythonPlan& self) { return self.subject.schedule_name; },
          "The named schedule, or what a search calls its result.")
      .def_property_readonly("job", [](const PythonPlan& self) { return PythonJob{self.subject.job}; })
      .def_property_readonly("ranks", [](const PythonPlan& self) { return self.schedule().ranks(); })
      .def_property_readonly("stages", [](const PythonPlan& self) { return self.schedule().stages(); })
      .def_property_readonly(
          "pipes", [](const PythonPlan& self) { return self.schedule().placement().pipes(); },
          "Copies of every stage: 2 with DualPipe.")
      .def_property_readonly("micro_batches", [](const PythonPlan& self) { return self.schedule().micro_batches(); })
      .def_property_readonly(
          "splits_backward", [](const PythonPlan& self) { return self.schedule().splits_backward(); },
          "True if a rank runs W apart from I.")
      .def_property_readonly(
          "step_ns", [](const PythonPlan& self) { return self.subject.evaluation.end.step_ns; },
          "Time per step in ns, with gradient reduction and optimizer.")
      .def_property_readonly(
          "makespan_ns", [](const PythonPlan& self) { return self.subject.evaluation.bubble.makespan_ns; },
          "End of the last slot, in ns.")
      .def_property_readonly(
          "bubble", [](const PythonPlan& self) { return self.subject.evaluation.bubble.global_rate(); },
          "Idle share of the makespan, from 0 to 1.")
      .def_property_readonly(
          "digest", [](const PythonPlan& self) { return planner::plan_of(self.subject).task_digest; },
          "A number that plans of equal tasks share.")
      .def_property_readonly(
          "search", &search_facts,
          "What the search says of its plan (bound_ns, proven, found_by, moves, interrupted); None for\n"
          "a named schedule.")
      .def("memory", &memory,
           "Returns what each rank holds at its fullest moment, in bytes; activations if the job has no model.")
      .def("peak_micro_batches", &peak_micro_batches,
           "Returns for each rank how many (stage, micro-batch) it holds at its fullest moment: F has begun and B or W "
           "has\n"
           "not ended.")
      .def(
          "save",
          [](const PythonPlan& self, const std::string& path) {
            const py::gil_scoped_release release;
            value_or_throw(planner::save_plan(self.subject, path));
          },
          py::arg("path"), "Writes a plan file. Replaces the file, or leaves it as it was.")
      .def(
          "svg", [](const PythonPlan& self, int width) { return planner::subject_svg(self.subject, width); },
          py::arg("width") = 1600, "Returns the timeline as an SVG document, `width` pixels wide.")
      .def("_repr_svg_",
           [](const PythonPlan& self) {
             constexpr int kNotebookWidth = 1000;
             return planner::subject_svg(self.subject, kNotebookWidth);
           })
      .def("__repr__",
           [](const PythonPlan& self) { return fmt::format("<pipeloom.Plan {}>", planner::headline(self.subject)); });
  bind_orders(type);
  bind_traces(type);

  module.def("load_plan", &load_plan, py::arg("path"), py::arg("job") = "",
             "Reads a plan, or a schedule as CSV, whose costs are those of the job file `job`.");
  module.def(
      "plan", &plan, py::arg("job"), py::arg("schedule") = "", py::kw_only(), py::arg("comm_sms") = py::none(),
      "Plans with a named schedule; without a name, with the best that fits. `comm_sms` is the number of SMs that\n"
      "communication gets; without it, as many as is best.");
  module.def(
      "search",
      [](const PythonJob& job, std::optional<double> budget_s, std::optional<int64_t> moves, uint64_t seed, int workers,
         bool exact, std::string placement, std::vector<double> memory_cap, std::string objective) {
        return search(job, {budget_s, moves, seed, workers, exact, std::move(placement), std::move(memory_cap),
                            std::move(objective)});
      },
      py::arg("job"), py::kw_only(), py::arg("budget_s") = py::none(), py::arg("moves") = py::none(),
      py::arg("seed") = 1, py::arg("workers") = 2, py::arg("exact") = false, py::arg("placement") = "",
      py::arg("memory_cap") = std::vector<double>(), py::arg("objective") = "makespan",
      "Searches an order that nobody wrote down, for `budget_s` seconds or so many `moves`. Ctrl-C ends it with the "
      "best so\n"
      "far. `placement` is \"linear\", \"looped\", \"v\", \"wave\" or \"bidirectional\"; `memory_cap` holds "
      "activations, one\n"
      "number for all ranks or one per rank.");
  module.def(
      "schedules",
      [] {
        std::vector<std::string> names;
        for (const planner::NamedSchedule& named : planner::named_schedules()) names.emplace_back(named.name);
        return names;
      },
      "Returns the names of the schedules.");
}

}  // namespace pipeloom::backend
