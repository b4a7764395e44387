#include "sim/robust/robustness.h"

#include <algorithm>
#include <numeric>
#include <thread>

#include "core/base/units.h"
#include "sim/robust/step_sampler.h"

namespace pipeloom::sim {

namespace {

// Limits the slots that are timed to tell the ranks apart: about a second's worth.
constexpr int64_t kMaxSlotsByRank = 200'000'000;

int64_t mean(const std::vector<int64_t>& values) {
  const int128_t sum = std::accumulate(values.begin(), values.end(), int128_t{0});
  return static_cast<int64_t>(sum / static_cast<int64_t>(std::max<size_t>(values.size(), 1)));
}

// Returns the least value that at least `percent` of the values don't exceed.
int64_t percentile(std::vector<int64_t> values, int64_t percent) {
  const int64_t place = (static_cast<int64_t>(values.size()) * percent + 99) / 100 - 1;
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[place];
}

// What each step took and, for the first steps, what it would have taken if one rank did not scatter.
struct Sampled {
  std::vector<int64_t> step_ns;
  std::vector<int64_t> without_ns;  // [step][rank]
};

Sampled sample(const StepSampler& sampler, const SampleOptions& options, int steps_by_rank) {
  const int ranks = sampler.ranks();
  Sampled sampled;
  sampled.step_ns.resize(options.samples);
  sampled.without_ns.resize(static_cast<size_t>(steps_by_rank) * ranks);
  const auto run = [&](int first) {
    StepSampler::Buffers buffers;
    for (int step = first; step < options.samples; step += options.workers) {
      sampler.draw(options.seed, static_cast<uint64_t>(step), buffers);
      sampled.step_ns[step] = sampler.step_ns(buffers);
      for (int rank = 0; rank < ranks && step < steps_by_rank; ++rank) {
        sampled.without_ns[static_cast<size_t>(step) * ranks + rank] = sampler.step_ns(buffers, rank);
      }
    }
  };
  std::vector<std::jthread> threads;
  for (int worker = 1; worker < options.workers; ++worker) threads.emplace_back(run, worker);
  run(0);
  threads.clear();
  return sampled;
}

}  // namespace

int Robustness::worst_rank() const {
  return static_cast<int>(std::max_element(rank_loss_ns.begin(), rank_loss_ns.end()) - rank_loss_ns.begin());
}

Result<Robustness> measure_robustness(const Job& job, const Schedule& schedule, const StepCosts& costs,
                                      const SampleOptions& options) {
  PIPELOOM_TRY(const StepSampler sampler, StepSampler::create(job, schedule, costs));
  Robustness robustness;
  if (options.by_rank) {
    const int64_t affordable = kMaxSlotsByRank / (sampler.slots() * sampler.ranks()) + 1;
    robustness.steps_by_rank = static_cast<int>(std::min<int64_t>(options.samples, affordable));
  }
  const Sampled sampled = sample(sampler, options, robustness.steps_by_rank);
  robustness.planned_ns = sampler.planned_ns();
  robustness.mean_ns = mean(sampled.step_ns);
  robustness.median_ns = percentile(sampled.step_ns, 50);
  robustness.p95_ns = percentile(sampled.step_ns, 95);
  if (!options.by_rank) return robustness;
  const int64_t compared_ns = mean({sampled.step_ns.begin(), sampled.step_ns.begin() + robustness.steps_by_rank});
  robustness.loss_ns = compared_ns - robustness.planned_ns;
  for (int rank = 0; rank < sampler.ranks(); ++rank) {
    std::vector<int64_t> without_ns;
    for (int step = 0; step < robustness.steps_by_rank; ++step) {
      without_ns.push_back(sampled.without_ns[static_cast<size_t>(step) * sampler.ranks() + rank]);
    }
    robustness.rank_loss_ns.push_back(compared_ns - mean(without_ns));
  }
  return robustness;
}

}  // namespace pipeloom::sim
