#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "core/job/variation.h"
#include "core/schedule/schedule.h"
#include "sim/engine/steps.h"

namespace pipeloom::sim {

// Times one schedule again and again, each time with durations drawn from a job's variation. Works at the schedule
// level: a slot is one duration, and a message is a delay of its latency and its time on the link. The scatter of a
// slot is that of the sum of its components' draws. Const methods may run concurrently on different buffers.
class StepSampler {
 public:
  // Fails as Steps::create does. `schedule` and `costs` must outlive the sampler.
  static Result<StepSampler> create(const Job& job, const Schedule& schedule, const StepCosts& costs);

  // What a slot takes in one step.
  struct Times {
    int64_t duration_ns = 0;
    int64_t forward_need_ns = 0;
    int64_t backward_need_ns = 0;
    int64_t out_ns = 0;
    int64_t pair_out_ns = 0;
  };
  struct Buffers {
    std::vector<Times> drawn;                 // [step of Steps]
    std::vector<double> imbalance;            // [cell] extra time of its experts, as a share
    std::vector<double> rank_factor;          // [rank]
    std::vector<int64_t> outputs_ns;          // [output of Steps]
    std::vector<int64_t> lane_free_ns;        // [rank]
    std::vector<int64_t> gradients_ready_ns;  // [stage]
  };

  void draw(uint64_t seed, uint64_t step, Buffers& buffers) const;

  static constexpr int kNoRank = -1;
  // Returns the time from the first slot to the end of the last optimizer with the drawn durations. Rank `as_planned`
  // takes the planned ones.
  int64_t step_ns(Buffers& buffers, int as_planned = kNoRank) const;
  // Returns the time per step with planned durations.
  int64_t planned_ns() const;

  int ranks() const { return steps_.ranks(); }
  int64_t slots() const { return static_cast<int64_t>(steps_.steps().size()); }

 private:
  // What slots of the same cost have in common.
  struct Kind {
    Scatter jitter{0};
    double forward_experts = 0;  // share of the slot's work: F's experts and their all-to-all
    double backward_experts = 0;
  };
  struct ExpertLayer {
    int layer = 0;
    double weight = 0;  // share of the stage's work on experts
  };
  // How a step of Steps is drawn.
  struct Drawn {
    uint64_t key = 0;
    size_t forward_cell = 0;
    size_t backward_cell = 0;
    uint16_t weight_stage = 0;  // stage whose gradients it adds to; kNoStage: none
  };
  static constexpr uint16_t kNoStage = UINT16_MAX;

  StepSampler(const Job& job, const Schedule& schedule, const StepCosts& costs, Steps steps);
  void add_stages();
  void add_slots();
  Kind kind_of(const Slot& slot) const;
  int64_t sweep(Buffers& buffers, const Times* drawn, int as_planned) const;

  const Schedule* schedule_;
  const StepCosts* costs_;
  Steps steps_;
  Variation variation_;
  Clipping clipping_;
  int expert_gpus_;
  std::vector<std::vector<ExpertLayer>> expert_layers_;  // [stage]
  std::vector<Kind> kinds_;                              // [cost of Steps]
  std::vector<Drawn> drawn_;                             // [step of Steps]
  std::vector<Times> planned_;                           // [step of Steps]
  std::vector<int64_t> latency_ns_;                      // [step of Steps] part of out_ns that does not scatter
  std::vector<int64_t> pair_latency_ns_;
};

}  // namespace pipeloom::sim
