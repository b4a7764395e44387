#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backend/device/run/device_run.h"
#include "backend/device/table/rank_starter.h"
#include "backend/device/tuning/tuning.h"
#include "backend/model/tokens.h"
#include "backend/model/training.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// What a run may ask of a device beyond training and pacing a plan.
enum class Ability : uint8_t {
  kCheckMode,       // the bits of the sequential run for every schedule
  kSequential,      // the whole plan on one thread: the reference
  kVariedPace,      // paced tasks that take more or less than planned
  kPacedProcesses,  // paced ranks that are processes of their own
  kOneDevice,       // all ranks on one device, which can be chosen, with hand-overs as copies at a chosen pace
  kStepGraphs,      // a step replayed as one graph
  kTuning,          // its communication kernels can be measured
};
// Names what a device that can do it has: "check mode".
const char* ability_name(Ability ability);

// A plan, ready to run on a device.
struct DeviceRun {
  const Plan& plan;
  const TextTokens* text = nullptr;  // null: the run is paced
  TrainingOptions training;
  const DeviceRunOptions& options;
  bool sequential = false;  // REQUIRES: kSequential
  const RankStarter& ranks;
  std::function<Status(const DeviceRunResult&)> on_end;  // called by rank 0 when all ranks have ended their steps
};

// A row of the device table: what the program knows of a kind of device.
struct DeviceKind {
  std::string name;                // "cuda"
  std::string what;                // "NVIDIA GPUs": one line for people
  std::string missing;             // why this build lacks it, "built without CUDA (no nvcc was found)"; empty: it has
                                   // it, and so are the functions below
  std::vector<Ability> abilities;  // in any order

  // Returns why this process can't use one; empty: it can.
  std::function<std::string()> why_not_here;
  // Refuses what the device can't train, by name.
  std::function<Status(const Job&)> check_job;
  // Runs the plan: checks what is there before the first step, starts the ranks, and lets them end together.
  // REQUIRES: why_not_here() is empty; check_job(plan.job) unless paced; the device has the abilities that are asked
  // for.
  std::function<Status(const DeviceRun&)> run;
  // With kTuning: measures device number `device`.
  std::function<Result<TuneMeasurements>(int device, const std::function<void(const std::string&)>& on_progress)> tune;

  bool can(Ability ability) const;
};

}  // namespace pipeloom::backend
