#include "tests/planner/search/cases.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "planner/search/job_problem.h"
#include "tests/support/vectors.h"

namespace pipeloom::tests {

namespace {

using Row = std::map<std::string, std::string>;

int64_t ns(const std::string& text) {
  return parse_millionths(text).value();
}

int64_t ns(double units) {
  return std::llround(units * static_cast<double>(kNsPerUnit));
}

Placement placement_of(const std::string& name, int ranks, int chunks) {
  if (name == "linear") return Placement::linear(ranks).value();
  if (name == "bidir") return Placement::bidirectional(ranks, 1).value();
  if (name == "loop") return Placement::looped(ranks, chunks).value();
  return Placement::v(ranks).value();
}

// What an overlapped pair takes; 0: there are no pairs.
struct Pairs {
  int64_t ns = 0;
  SlotKind kind = SlotKind::kFB;
};

planner::SearchProblem make_problem(const Placement& placement, int micro_batches, const StageCost& cost,
                                    int64_t link_ns, Pairs pairs, int64_t cap, int64_t weight_share,
                                    planner::Objective objective) {
  ScheduleCosts::Input input;
  input.stages.assign(placement.stages(), cost);
  input.links = {LinkCost{link_ns, 0}};
  if (pairs.ns > 0) (pairs.kind == SlotKind::kFI ? input.input_pairs : input.pairs) = {PairCost::plain(pairs.ns)};
  std::vector<int64_t> caps;
  if (cap > 0) caps.assign(placement.ranks(), cap);
  return planner::SearchProblem::create({placement, planner::pipes_for(placement, micro_batches),
                                         ScheduleCosts::create(placement.stages(), placement.ranks(), input).value(),
                                         std::vector(placement.stages(), ActivationSize{1'000'000, weight_share}), caps,
                                         objective})
      .value();
}

}  // namespace

std::vector<SearchCase> optimal_cases() {
  std::vector<SearchCase> cases;
  for (Row& row : read_csv("cases/optimal.csv")) {
    const bool paired = !row["overlap_FB"].empty() && row["overlap_FB"] != "0";
    if (row["proven"] != "1") continue;
    const Placement placement = placement_of(row["placement"], std::stoi(row["P"]), std::stoi(row["V"]));
    const StageCost cost = StageCost::plain(ns(row["F"]), ns(row["B"]), ns(row["W"]));
    const Pairs pairs = {paired ? ns(row["overlap_FB"]) : 0, row["W"] == "0" ? SlotKind::kFB : SlotKind::kFI};
    const int64_t cap = row["mem_cap_chunks"] == "inf" ? 0 : ns(row["mem_cap_chunks"]);
    cases.push_back({"row " + row["id"],
                     make_problem(placement, std::stoi(row["M"]), cost, ns(row["comm"]), pairs, cap,
                                  row["act_released_at"] == "W" ? 1'000'000 : 0,
                                  row["objective"] == "B" ? planner::Objective::kSpan : planner::Objective::kMakespan),
                     ns(row["optimal"])});
  }
  return cases;
}

std::vector<SearchCase> large_cases(int ranks) {
  std::vector<SearchCase> cases;
  for (Row& row : read_csv("cases/large.csv")) {
    const int row_ranks = std::stoi(row["P"]);
    if (row_ranks > ranks) continue;
    const Placement placement = placement_of(row["placement"], row_ranks, 2);
    const int chunks = placement.stages() / row_ranks;
    const StageCost cost = StageCost::plain(ns(row["F"]) / chunks, ns(row["B"]) / chunks, ns(row["W"]) / chunks);
    const int64_t cap = ns(row["cap_x_of_1F1B"]) * row_ranks * chunks;
    cases.push_back({row["placement"] + " P" + row["P"] + " cap " + row["cap_x_of_1F1B"] + " F" + row["F"],
                     make_problem(placement, std::stoi(row["M"]), cost, ns(row["comm"]), {}, cap, 1'000'000,
                                  planner::Objective::kMakespan),
                     ns(row["best"]), ns(row["LB"])});
  }
  return cases;
}

planner::SearchProblem uniform_problem(const UniformJob& job) {
  const auto placement = [&] {
    switch (job.kind) {
      case PlacementKind::kLinear:
        return Placement::linear(job.ranks);
      case PlacementKind::kLooped:
        return Placement::looped(job.ranks, job.chunks);
      case PlacementKind::kV:
        return Placement::v(job.ranks);
      case PlacementKind::kWave:
        return Placement::wave(job.ranks, job.chunks / 2);
      case PlacementKind::kBidirectional:
        return Placement::bidirectional(job.ranks, 1);
    }
    return Placement::linear(job.ranks);
  }();
  const StageCost cost = StageCost::plain(job.f * kNsPerUnit, job.i * kNsPerUnit, job.w * kNsPerUnit);
  return make_problem(placement.value(), job.micro_batches, cost, ns(job.link), {ns(job.pair), job.pair_kind},
                      ns(job.cap), job.weight_share, job.objective);
}

planner::SearchProblem random_problem(uint32_t seed) {
  std::mt19937 random(seed);
  const auto pick = [&](int least, int most) { return least + static_cast<int>(random() % (most - least + 1)); };
  const Placement placements[] = {Placement::linear(pick(2, 4)).value(), Placement::looped(pick(2, 3), 2).value(),
                                  Placement::v(pick(2, 4)).value(), Placement::wave(2, 2).value(),
                                  Placement::bidirectional(2 * pick(1, 2), 1).value()};
  const Placement& placement = placements[seed % std::size(placements)];
  ScheduleCosts::Input input;
  std::vector<ActivationSize> sizes;
  const bool pairs = pick(0, 3) == 0;
  const bool short_backwards = pick(0, 2) == 0;
  int64_t growth = 0;
  for (int stage = 0; stage < placement.stages(); ++stage) {
    const int f = pick(1, 9);
    const int i = pick(1, 9);
    const int w = pick(0, 9);
    const int b = short_backwards ? std::max({i, w, i + w - pick(0, 6)}) : i + w;
    input.stages.push_back(StageCost::plain(f * kNsPerUnit, i * kNsPerUnit, w * kNsPerUnit, b * kNsPerUnit));
    const int total = pick(5, 9);
    sizes.push_back({total, pick(0, 12)});
    growth = std::max(growth, sizes.back().growth());
  }
  if (pairs) (seed % 2 == 0 ? input.pairs : input.input_pairs) = {PairCost::plain(20 * kNsPerUnit)};
  input.links = {LinkCost{pick(0, 2) * kNsPerUnit / 2, 0}};
  std::vector<int64_t> caps;
  for (int rank = 0; rank < placement.ranks(); ++rank) {
    caps.push_back(9 * placement.chunks_per_rank() + growth + pick(0, 30));
  }
  return planner::SearchProblem::create({placement, planner::pipes_for(placement, pick(2, 6)),
                                         ScheduleCosts::create(placement.stages(), placement.ranks(), input).value(),
                                         sizes, caps,
                                         pick(0, 1) == 0 ? planner::Objective::kMakespan : planner::Objective::kSpan})
      .value();
}

std::vector<int64_t> replayed_peaks(const Schedule& schedule, const std::vector<ActivationSize>& sizes) {
  std::vector<int64_t> peaks;
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    std::map<std::pair<int, int>, int64_t> alive;  // [stage, micro-batch] what is held of it
    int64_t peak = 0;
    const auto sum = [&] {
      int64_t held = 0;
      for (const auto& [cell, amount] : alive) held += amount;
      return held;
    };
    for (const Slot& slot : schedule.slots_of(rank)) {
      if (slot.has_forward()) alive[{slot.stage, slot.micro_batch}] = sizes[slot.stage].total;
      peak = std::max(peak, sum());
      const std::pair<int, int> cell(slot.backward_pass_stage(), slot.backward_pass_micro_batch());
      if (slot.has_weight_backward()) {
        alive.erase(cell);
      } else if (slot.has_input_backward()) {
        alive[cell] = sizes[cell.first].kept_for_weight;
      }
      peak = std::max(peak, sum());
    }
    peaks.push_back(peak);
  }
  return peaks;
}

}  // namespace pipeloom::tests
