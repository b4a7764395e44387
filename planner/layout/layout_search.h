#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"
#include "planner/layout/layout_space.h"
#include "planner/schedules/frameworks.h"
#include "planner/schedules/schedule_table.h"

namespace pipeloom::planner {

enum class LayoutVerdict : uint8_t {
  kTimed,       // runs and fits the memory
  kDoesNotFit,  // runs, but its fullest rank holds more than a GPU may
  kCantRun,     // the schedule or the costs refuse it
  kTooLarge,    // even the least that any plan of it holds does not fit
  kTooSlow,     // even the least time of any plan of it is too long for the front
};
std::string_view verdict_text(LayoutVerdict verdict);

// A layout with one schedule, and its verdict.
struct ConsideredLayout {
  int32_t layout = 0;  // index into LayoutSearchResult::layouts
  int16_t chunks = 0;  // chunks per rank of looped placements; 0: the schedule's own
  LayoutVerdict verdict = LayoutVerdict::kTooSlow;
  uint8_t weight_copies = 1;
  const NamedSchedule* schedule = nullptr;
  int64_t step_ns = 0;  // if timed: its time per step; else no plan of it is shorter
  int64_t bytes = 0;    // if timed: on the fullest rank; else no plan of it holds less
};

struct LayoutSearchResult {
  std::vector<Job> layouts;
  std::vector<ConsideredLayout> considered;
  // Indices into `considered`: layouts that no other beats in time, memory of the fullest rank and weight copies
  // together, and that take at most kSlowestPercent of the best time. Fastest first; empty if nothing fits.
  std::vector<int32_t> front;

  static constexpr int kSlowestPercent = 130;
  // Returns the job with this layout, schedule and number of chunks.
  Job job_of(const ConsideredLayout& considered) const;
};

struct LayoutSearchLimits {
  const Framework* framework = nullptr;            // that is to run the layout; nullptr: any
  int workers = 2;                                 // threads; the result is the same for any number
  std::function<void(int64_t, int64_t)> progress;  // (layouts done, all layouts); may be empty
};

// Considers all layouts of the job with every named schedule, and leaves out those that bounds rule out. REQUIRES: the
// job has a model.
LayoutSearchResult search_layouts(const Job& job, const HeldFields& held, const LayoutSearchLimits& limits);

// How the job's own layout stands among all: those that differ in parallelism, micro-batch size or chunks per rank,
// each with the recomputation, schedule and split of the SMs that suit it best.
struct OwnLayout {
  int32_t best = -1;    // index into `considered`; -1: it does not fit, can't run, or was not tried
  int64_t faster = 0;   // layouts that are
  int64_t fitting = 0;  // layouts that fit, or may: bounds found some too slow before their memory was known
};
OwnLayout own_layout(const Job& own, const LayoutSearchResult& result);

// The best layout for one value of a field, to show what another choice would cost.
struct FieldOutcome {
  std::string value;
  int64_t considered = 0;
  int32_t timed = -1;  // index into `considered`: the shortest step that fits; -1: none
  int32_t bound = -1;  // index into `considered`: the least bound among those too slow to be timed; -1: none
};
std::vector<FieldOutcome> outcomes_of(const LayoutSearchResult& result, LayoutField field);

}  // namespace pipeloom::planner
