#include "planner/evaluate/partition.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/base/units.h"

namespace pipeloom::planner {

namespace {

// Sums of layers: the cost of layers [begin, end) as one stage, with the extra costs of the first and last stage.
class StageSums {
 public:
  StageSums(const sim::LayerWeights& weights, int stages, EmptyEnds ends)
      : weights_(weights), stages_(stages), ends_(ends), sums_{0} {
    for (const int64_t layer_ns : weights.layers_ns) sums_.push_back(sums_.back() + layer_ns);
  }

  int layers() const { return static_cast<int>(weights_.layers_ns.size()); }
  // The fewest layers of a stage, and of all stages after it.
  int least_of(int stage) const { return ends_ == EmptyEnds::kAllowed && is_end(stage) ? 0 : 1; }
  int least_after(int stage) const { return stage == stages_ - 1 ? 0 : stages_ - 2 - stage + least_of(stages_ - 1); }
  int64_t all_ns() const { return sums_.back() + weights_.first_extra_ns + weights_.last_extra_ns; }
  int64_t stage_ns(int stage, int begin, int end) const {
    int64_t ns = sums_[end] - sums_[begin];
    if (stage == 0) ns += weights_.first_extra_ns;
    if (stage == stages_ - 1) ns += weights_.last_extra_ns;
    return ns;
  }

 private:
  bool is_end(int stage) const { return stage == 0 || stage == stages_ - 1; }

  const sim::LayerWeights& weights_;
  int stages_;
  EmptyEnds ends_;
  std::vector<int64_t> sums_;
};

// True if no stage needs more than `limit_ns`. Greedy: each stage takes as many layers as fit, but leaves the fewest
// for those after it.
bool fits(const StageSums& sums, int stages, int64_t limit_ns) {
  int begin = 0;
  for (int stage = 0; stage < stages; ++stage) {
    const int most = sums.layers() - sums.least_after(stage);
    int end = begin + sums.least_of(stage);
    if (sums.stage_ns(stage, begin, end) > limit_ns) return false;
    while (end < most && sums.stage_ns(stage, begin, end + 1) <= limit_ns) ++end;
    begin = end;
  }
  return begin == sums.layers();
}

int64_t least_slowest_ns(const StageSums& sums, int stages) {
  int64_t low = 0;
  int64_t high = sums.all_ns();
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (fits(sums, stages, middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// Returns the partition with the least sum of squares whose stages don't exceed `limit_ns`. Dynamic programming over
// (stage, layer at which it ends).
std::vector<int> most_even(const StageSums& sums, int stages, int64_t limit_ns) {
  constexpr int128_t kNone = std::numeric_limits<int64_t>::max() * (int128_t{1} << 62);
  const int layers = sums.layers();
  std::vector<int128_t> before(layers + 1, kNone);  // [layers so far] least sum over the stages so far
  before[0] = 0;
  std::vector<std::vector<int>> size(stages, std::vector<int>(layers + 1, 0));  // [stage][end] layers of it
  int least = 0;                                                                // layers of the stages so far
  for (int stage = 0; stage < stages; ++stage) {
    std::vector<int128_t> now(layers + 1, kNone);
    least += sums.least_of(stage);
    for (int end = least; end <= layers - sums.least_after(stage); ++end) {
      for (int begin = end - sums.least_of(stage); begin >= least - sums.least_of(stage); --begin) {
        const int128_t ns = sums.stage_ns(stage, begin, end);
        if (ns > limit_ns) break;
        if (before[begin] == kNone || before[begin] + ns * ns > now[end]) continue;
        now[end] = before[begin] + ns * ns;  // ties go to the larger stage, which is seen later: late stages get more
        size[stage][end] = end - begin;
      }
    }
    before = std::move(now);
  }
  std::vector<int> layers_per_stage(stages);
  for (int stage = stages - 1, end = layers; stage >= 0; --stage) {
    layers_per_stage[stage] = size[stage][end];
    end -= size[stage][end];
  }
  return layers_per_stage;
}

// How much work the ranks of a placement have with one partition; less is better.
struct RankLoads {
  int64_t heaviest_ns = 0;
  int128_t sum_of_squares = 0;
  int heaviest_rank = 0;

  bool operator<(const RankLoads& other) const {
    return std::tie(heaviest_ns, sum_of_squares) < std::tie(other.heaviest_ns, other.sum_of_squares);
  }
};

// Sums the stages that each rank holds, over all pipes. Each pipe takes an equal share of the micro-batches, so the
// sums compare ranks of one placement.
RankLoads rank_loads(const StageSums& sums, const Placement& placement, const std::vector<int>& layers_per_stage) {
  std::vector<int64_t> loads_ns(placement.ranks(), 0);
  int begin = 0;
  for (int stage = 0; stage < placement.stages(); ++stage) {
    const int end = begin + layers_per_stage[stage];
    for (int pipe = 0; pipe < placement.pipes(); ++pipe) {
      loads_ns[placement.rank_of(pipe, stage)] += sums.stage_ns(stage, begin, end);
    }
    begin = end;
  }
  RankLoads loads;
  for (int rank = 0; rank < placement.ranks(); ++rank) {
    loads.sum_of_squares += int128_t{loads_ns[rank]} * loads_ns[rank];
    if (loads_ns[rank] <= loads.heaviest_ns) continue;
    loads.heaviest_ns = loads_ns[rank];
    loads.heaviest_rank = rank;
  }
  return loads;
}

}  // namespace

Result<std::vector<int>> balanced_partition(const sim::LayerWeights& weights, int stages, EmptyEnds ends) {
  const StageSums sums(weights, stages, ends);
  if (stages < 1 || stages > sums.layers()) {
    return invalid(fmt::format("the placement has {} stages and the model {} layers; allowed are 1 to {} stages",
                               stages, sums.layers(), sums.layers()));
  }
  return most_even(sums, stages, least_slowest_ns(sums, stages));
}

std::vector<int> balance_ranks(const sim::LayerWeights& weights, const Placement& placement,
                               std::vector<int> layers_per_stage, EmptyEnds ends) {
  const StageSums sums(weights, placement.stages(), ends);
  RankLoads best = rank_loads(sums, placement, layers_per_stage);
  for (bool improved = true; improved;) {
    improved = false;
    for (const Chunk& heavy : placement.chunks_of(best.heaviest_rank)) {
      if (layers_per_stage[heavy.stage] == sums.least_of(heavy.stage)) continue;
      for (int stage = 0; stage < placement.stages() && !improved; ++stage) {
        if (stage == heavy.stage) continue;
        --layers_per_stage[heavy.stage];
        ++layers_per_stage[stage];
        const RankLoads moved = rank_loads(sums, placement, layers_per_stage);
        if (moved < best) {
          best = moved;
          improved = true;
        } else {
          ++layers_per_stage[heavy.stage];
          --layers_per_stage[stage];
        }
      }
      if (improved) break;
    }
  }
  return layers_per_stage;
}

namespace {

Result<std::vector<int>> partition_by_rank(const sim::LayerWeights& weights, const Placement& placement) {
  const auto balanced = [&](EmptyEnds ends) -> Result<std::vector<int>> {
    PIPELOOM_TRY(std::vector<int> by_stage, balanced_partition(weights, placement.stages(), ends));
    return balance_ranks(weights, placement, std::move(by_stage), ends);
  };
  PIPELOOM_TRY(std::vector<int> full, balanced(EmptyEnds::kRefused));
  PIPELOOM_TRY(std::vector<int> empty, balanced(EmptyEnds::kAllowed));
  const StageSums sums(weights, placement.stages(), EmptyEnds::kAllowed);
  const bool lighter = rank_loads(sums, placement, empty).heaviest_ns < rank_loads(sums, placement, full).heaviest_ns;
  return lighter ? empty : full;
}

void add_new(std::vector<int> partition, std::vector<std::vector<int>>& partitions) {
  if (std::ranges::find(partitions, partition) == partitions.end()) partitions.push_back(std::move(partition));
}

}  // namespace

Result<std::vector<std::vector<int>>> partitions(const Job& job, const Placement& placement) {
  const std::vector<int>& given = job.layout.layers_per_stage;
  if (!given.empty()) {
    PIPELOOM_RETURN_IF_ERROR(check_layers_per_stage(given, job.model->layers, placement.stages()));
    return std::vector<std::vector<int>>{given};
  }
  std::vector<std::vector<int>> worth_trying;
  for (const sim::WeightBasis basis : {sim::WeightBasis::kAlone, sim::WeightBasis::kOverlapped}) {
    const sim::LayerWeights weights = sim::layer_weights(job, basis);
    PIPELOOM_TRY(std::vector<int> by_rank, partition_by_rank(weights, placement));
    add_new(std::move(by_rank), worth_trying);
    // A heavy stage holds up every round of interleaved micro-batches.
    if (placement.kind() != PlacementKind::kLooped) continue;
    PIPELOOM_TRY(std::vector<int> by_stage, balanced_partition(weights, placement.stages(), EmptyEnds::kAllowed));
    add_new(std::move(by_stage), worth_trying);
  }
  return worth_trying;
}

namespace {

// Returns `partitions` and every partition that is one moved layer away from one of them.
std::vector<std::vector<int>> with_neighbours(const std::vector<std::vector<int>>& partitions) {
  std::vector<std::vector<int>> all = partitions;
  for (std::vector<int> layers : partitions) {
    for (int& from : layers) {
      if (from <= 1) continue;
      for (int& to : layers) {
        if (&from == &to) continue;
        --from;
        ++to;
        all.push_back(layers);
        ++from;
        --to;
      }
    }
  }
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace

Result<std::vector<std::vector<int>>> near_partitions(const Job& job, const Placement& placement) {
  // Partitions with a heavier rank are left out, and each basis adds only so many: each costs an evaluation.
  constexpr int kHeavierPercent = 103;
  constexpr size_t kMaxPerBasis = 24;
  PIPELOOM_TRY(std::vector<std::vector<int>> near, partitions(job, placement));
  if (!job.layout.layers_per_stage.empty()) return near;
  const std::vector<std::vector<int>> all = with_neighbours(near);
  for (const sim::WeightBasis basis : {sim::WeightBasis::kAlone, sim::WeightBasis::kOverlapped}) {
    const sim::LayerWeights weights = sim::layer_weights(job, basis);
    const StageSums sums(weights, placement.stages(), EmptyEnds::kAllowed);
    std::vector<std::pair<RankLoads, const std::vector<int>*>> weighed;
    for (const auto& layers : all) weighed.emplace_back(rank_loads(sums, placement, layers), &layers);
    std::ranges::stable_sort(weighed, [](const auto& a, const auto& b) { return a.first < b.first; });
    const int64_t most_ns = weighed.front().first.heaviest_ns / 100 * kHeavierPercent;
    for (size_t i = 0; i < std::min(kMaxPerBasis, weighed.size()) && weighed[i].first.heaviest_ns <= most_ns; ++i) {
      add_new(*weighed[i].second, near);
    }
  }
  return near;
}

}  // namespace pipeloom::planner
