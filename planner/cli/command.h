#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "planner/app/variation_changes.h"
#include "planner/cli/program.h"
#include "planner/cli/subject_options.h"

namespace pipeloom::planner {

// Where a command prints.
struct Output {
  std::ostream& out;
  Terminal terminal;
};

// The subcommands: options as program.cpp parses them, and what each does. `json`: print for a script.

struct CompareOptions {
  SubjectOptions subject;
  bool json = false;
};
Status run_compare(const CompareOptions& options, const Output& output);

// How `plan` searches; it does if any of these is given but `workers`, which layout searches have too.
struct SearchOptions {
  std::string placement;   // "linear", "looped", "v", "wave" or "bidirectional"
  std::string memory_cap;  // activations: one for all ranks, or one per rank ("8:8:7:6")
  std::string objective;   // "makespan", "span" or "p95"
  std::string budget;      // "5s", "500ms", "2m"
  std::optional<int64_t> moves;
  std::optional<uint64_t> seed;
  std::optional<int> workers;
  bool exact = false;
  bool compare = false;

  bool given() const { return searches() || !objective.empty() || seed || exact || compare; }
  // Whether they ask for more than a choice among the named schedules.
  bool searches() const { return !placement.empty() || !memory_cap.empty() || !budget.empty() || moves; }
};

struct PlanOptions {
  SubjectOptions subject;
  SearchOptions search;
  VariationChanges variation;
  std::string layout;           // "free": search the layout too
  std::string hold;             // fields of the layout that stay as they are: "tensor,expert"
  bool explain = false;         // why other layouts lost
  std::string output;           // the plan file to write; empty: none
  std::optional<int> comm_sms;  // SMs for communication; absent: as many as is best
  bool json = false;
};
// The part of run_plan that searches.
Status run_search(const PlanOptions& options, const Output& output);
// The part that plans for a percentile.
Status run_robust_plan(const PlanOptions& options, const Output& output);
Status run_plan(const PlanOptions& options, const Output& output);

struct ShowOptions {
  SubjectOptions subject;
  int columns = 0;  // width of the picture; 0: the terminal's
  bool json = false;
};
Status run_show(const ShowOptions& options, const Output& output);

struct SimulateOptions {
  SubjectOptions subject;
  VariationChanges variation;
  int samples = 0;          // steps whose durations scatter; 0: none
  bool components = false;  // the whole step at component level
  int expert_ranks = 1;     // WholeStepOptions
  uint64_t seed = 1;
  bool json = false;
};
Status run_simulate(const SimulateOptions& options, const Output& output);

struct ExplainOptions {
  SubjectOptions subject;
  int rank = -1;   // with `at`: what this rank does then; otherwise the whole step
  std::string at;  // in units of kNsPerUnit
  int largest = 5;
  bool json = false;
};
Status run_explain(const ExplainOptions& options, const Output& output);

struct ExportOptions {
  SubjectOptions subject;
  std::string target;  // a row of the table in export.cpp
  std::string output;  // empty or "-": standard output
  int width = 1600;
  bool communication = false;  // torch-csv: sends and receives too
};
Status run_export(const ExportOptions& options, const Output& output);

struct ImportOptions {
  SubjectOptions subject;  // its path is the file to read
  std::string output;      // the plan or job to write; empty: none
  // Of a launch of Megatron-LM: where it runs, and arguments to add.
  std::string gpu;
  std::optional<int> nodes;
  std::optional<int> gpus_per_node;
  std::optional<double> nic_gbytes_per_s;
  std::vector<std::string> appended;
  bool json = false;
};
Status run_import(const ImportOptions& options, const Output& output);

struct OrderOptions {
  SubjectOptions subject;
  bool csv = false;
  bool json = false;
};
Status run_order(const OrderOptions& options, const Output& output);

struct DiffOptions {
  std::string plan;
  std::string trace;
  std::optional<int> rank;  // whose tasks alone
  bool json = false;
};
Status run_diff(const DiffOptions& options, const Output& output);

struct CalibrateOptions {
  std::string plan;
  std::vector<std::string> traces;
  std::string published;               // a CSV of published trainings instead
  std::vector<std::string> leave_out;  // columns; empty: each training, or with from_scratch each model on each GPU
  std::vector<std::string> hold;       // constants that stay as they are known
  bool from_scratch = false;           // constants start from what was known before any fit
  std::string output;                  // a CSV of measured layers; empty or "-": standard output
};
Status run_calibrate(const CalibrateOptions& options, const Output& output);

// Becomes pipeloom-run; returns only where that can't be started.
struct RunOptions {
  std::string plan;
  std::string ranks;              // "mpi": one process per rank, by mpirun; else threads of one process
  std::vector<std::string> rest;  // for pipeloom-run
};
Status run_run(const RunOptions& options, const Output& output);

struct SweepOptions {
  SubjectOptions subject;
  std::string over;  // FIELD=FIRST..LAST[:STEP] or FIELD=V,V,...
  bool json = false;
};
Status run_sweep(const SweepOptions& options, const Output& output);

struct MemoryOptions {
  SubjectOptions subject;
  int rank = -1;  // its memory over time and what is alive at the peak; -1: the fullest rank
  bool json = false;
};
Status run_memory(const MemoryOptions& options, const Output& output);

struct ValidateOptions {
  std::vector<std::string> jobs;  // files with references; empty: those that the program carries
  std::string iterations;         // a CSV of measured iterations
  std::string gpu;                // that they ran on: a known name or a file
  std::string published;          // a CSV of published trainings
  std::string where;              // "gpu=H100,model=llama3-8b": only these of them
  std::string constants;          // a file of fitted constants for --published
  std::string picture;            // an SVG of the judged steps to write
  std::string write_jobs;         // a folder to write the trainings to, as jobs
  bool list = false;              // the quantities that a reference may name
  bool json = false;
};
Status run_validate(const ValidateOptions& options, const Output& output);

struct ListGpusOptions {
  std::string name;  // print this GPU's file
  bool json = false;
};
Status run_list_gpus(const ListGpusOptions& options, const Output& output);

struct ListSchedulesOptions {
  bool json = false;
};
Status run_list_schedules(const ListSchedulesOptions& options, const Output& output);

}  // namespace pipeloom::planner
