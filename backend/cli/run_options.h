#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "backend/device/table/device_table.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// The command line of pipeloom-run.
struct CommandOptions {
  std::string plan_path;
  std::string text_path;         // empty: only with `paced`
  int token_bytes = 1;           // of the text
  std::string ranks;             // "auto", "threads", "mpi", "sequential"
  std::string device;            // the name of a row of the device table
  int gpu = 0;                   // all ranks on one device: which
  bool no_graph = false;         // every step launch by launch
  std::string copy;              // all ranks on one device: a copy_method_name; empty: as the plan says
  double link_gbytes_per_s = 0;  // all ranks on one device: the pace of hand-overs; 0: as fast as they go
  bool check = false;
  bool paced = false;
  double varied_percent = 0;  // paced: how much longer or shorter than planned tasks are at most
  int64_t steps = 10;
  double learning_rate = 1e-3;
  uint64_t seed = 1;
  std::string trace_path;        // empty: no trace
  std::string expert_load_path;  // empty: expert loads are not written
  std::string checkpoint_folder;
  int64_t checkpoint_every = 0;
  bool resume = false;
  bool overwrite = false;    // checkpoints that are there
  int keep_checkpoints = 1;  // how many
  int grace_s = 25;          // from a signal that ends the run to its end
  double deadline_s = 60;
  bool json = false;
  bool progress = false;  // a bar on the error stream
};

// Where a run prints.
struct RunOutput {
  std::ostream& out;
  std::ostream& err;
};

// How a run ended that did not fail.
enum class RunEnd : uint8_t { kDone, kStopped };  // stopped: by a signal, at the end of a step

// REQUIRES: `options.device` is one of `devices`.
Result<RunEnd> run_plan_file(const CommandOptions& options, const RunOutput& output, const DeviceTable& devices);

}  // namespace pipeloom::backend
