#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/job/training_constants.h"
#include "planner/app/published_job.h"
#include "planner/evaluate/memory_interval.h"
#include "planner/evaluate/rank_memory.h"

namespace pipeloom::planner {

// A memory figure of a published training beside what was predicted, in bytes.
struct MemoryComparison {
  std::string counter;  // what was read: "allocated", "reserved", "nvidia-smi"
  double measured = 0;
  double predicted = 0;                    // of the same counter
  int rank = 0;                            // that the prediction says is the fullest
  RankMemory parts;                        // of this rank
  std::optional<MemoryInterval> interval;  // four of five figures lie in it; absent: not known

  bool within_interval() const {
    return static_cast<double>(interval->low_bytes) <= measured &&
           measured <= static_cast<double>(interval->high_bytes);
  }
  double error() const { return predicted / measured - 1; }
};

// A published training beside its prediction.
struct PublishedPrediction {
  proto::PublishedTraining training;
  std::string reason;                // why it can't be said; empty: it was predicted
  std::vector<std::string> ignored;  // columns that the prediction leaves out
  double predicted_seconds = 0;
  double low_seconds = 0;  // four of five steps are between low and high; zeros: not known
  double high_seconds = 0;
  std::optional<double> measured_seconds;  // of a step; absent: nothing that gives it was measured
  std::vector<MemoryComparison> memory;
  // Whether predictions are judged by it: the newest figure of pre-training whose settings were read, tokens kept.
  bool judged = false;

  bool predicted() const { return reason.empty(); }
  bool compared() const { return predicted() && measured_seconds.has_value(); }
  double error() const { return predicted_seconds / *measured_seconds - 1; }
  bool has_interval() const { return high_seconds > low_seconds; }
  bool within_interval() const { return low_seconds <= *measured_seconds && *measured_seconds <= high_seconds; }
};

// Seconds of the step of a job that names its schedule.
Result<double> predicted_step(const Job& job);

// With the constants that Pipeloom knows, or with `constants`.
PublishedPrediction predict_published(const proto::PublishedTraining& training, const ModelTexts& texts,
                                      const std::optional<FittedConstants>& constants = std::nullopt);

}  // namespace pipeloom::planner
