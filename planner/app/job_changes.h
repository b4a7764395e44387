#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/job/job.h"

namespace pipeloom::planner {

// Times of the passes in the place of a job's costs.
struct PassTimes {
  DirectCosts costs;
  int64_t link_ns = 0;
};

// What takes the place of a job's own fields for one use of its file. What is absent stays as the file has it.
struct JobChanges {
  std::string schedule = {};  // empty: absent
  std::optional<int> ranks = {};
  std::optional<int> micro_batches = {};
  std::optional<int> chunks = {};
  std::optional<int> group = {};
  std::optional<int> pipes = {};
  std::optional<int> waves = {};
  std::string expert_load_csv = {};  // a file of measured loads; empty: absent
  std::string constants = {};        // a file of fitted constants (calibrate --published); empty: absent
  std::optional<PassTimes> times = {};
  std::optional<int64_t> weight_share_millionths = {};
  std::optional<P2pMode> p2p = {};
  std::optional<int> receive_depth = {};
};

// Makes the changes. Whether the job then is as it must be, is for make_job to say.
Status change_job(const JobChanges& changes, Job& job);
void change_p2p(const JobChanges& changes, P2pOptions& p2p);

// Refuse what an order of passes has fixed, and what a plan has: all but P2P.
Status check_schedule_allows(const JobChanges& changes);
Status check_plan_allows(const JobChanges& changes);

}  // namespace pipeloom::planner
