#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"
#include "planner/layout/layout_space.h"
#include "planner/schedules/schedule_table.h"

namespace pipeloom::planner {

enum class LayoutVerdict : uint8_t {
  kTimed,       // runs and fits the memory
  kDoesNotFit,  // runs, but its fullest rank holds more than a GPU
  kCantRun,     // the schedule or the costs refuse it
  kTooLarge,    // not even the least that any plan of it holds fits
  kTooSlow,     // not even the least time that any plan of it takes is near the best, or on the front
};
std::string_view verdict_text(LayoutVerdict verdict);

// A layout with one schedule, and what became of it.
struct ConsideredLayout {
  int32_t layout = 0;  // index into LayoutSearchResult::layouts
  int16_t chunks = 0;  // stages per rank of looped placements; 0: the schedule's own
  LayoutVerdict verdict = LayoutVerdict::kTooSlow;
  uint8_t weight_copies = 1;
  const NamedSchedule* schedule = nullptr;
  int64_t step_ns = 0;  // where it was timed; else no plan of it is shorter
  int64_t bytes = 0;    // of the fullest rank; else no plan of it holds less
};

struct LayoutSearchResult {
  std::vector<Job> layouts;
  std::vector<ConsideredLayout> considered;
  // Indices into `considered`: what nothing beats in time, memory of the fullest rank and weight copies together, among
  // what takes at most kSlowest times as long as the best. Fastest first; empty where nothing fits.
  std::vector<int32_t> front;

  static constexpr int kSlowestPercent = 130;
  // The job as its layout, schedule and chunks say.
  Job job_of(const ConsideredLayout& considered) const;
};

struct LayoutSearchLimits {
  int workers = 2;                                 // threads; the result is the same for any number
  std::function<void(int64_t, int64_t)> progress;  // layouts done, of how many; may be empty
};

// All layouts of the job with every named schedule, those left out that bounds rule out.
// REQUIRES: the job has a model.
LayoutSearchResult search_layouts(const Job& job, const HeldFields& held, const LayoutSearchLimits& limits);

// The best that has each value of a field: what another choice would cost.
struct FieldOutcome {
  std::string value;
  int64_t considered = 0;
  int32_t timed = -1;  // index into `considered`: the shortest that fits; -1: none
  int32_t bound = -1;  // likewise: of those too slow to be timed, the one with the least bound
};
std::vector<FieldOutcome> outcomes_of(const LayoutSearchResult& result, LayoutField field);

}  // namespace pipeloom::planner
