// The speed of the search. Targets: 2 million estimated moves per second, 200 million passes per second in whole
// evaluations (heads and tails), on one core.
#include <benchmark/benchmark.h>

#include "planner/search/anneal.h"
#include "planner/search/bounds.h"
#include "planner/search/job_problem.h"
#include "planner/search/list_scheduler.h"

namespace pipeloom::planner {
namespace {

SearchProblem problem_of(const benchmark::State& state) {
  const int ranks = static_cast<int>(state.range(0));
  const Placement placement = Placement::linear(ranks).value();
  const StageCost stage = StageCost::plain(1'200'000, 1'400'000, 800'000);
  return SearchProblem::create({placement, pipes_for(placement, static_cast<int>(state.range(1))),
                                ScheduleCosts::uniform(ranks, ranks, stage, {100'000, 0}).value(),
                                std::vector(ranks, ActivationSize{1'000'000, 1'000'000}),
                                std::vector<int64_t>(ranks, ranks * 1'500'000), Objective::kMakespan})
      .value();
}

Candidate candidate_of(const SearchProblem& problem) {
  ListScheduler lists(problem);
  lists.run(ListPolicy{});
  Candidate candidate(problem);
  candidate.reset(lists.order());
  return candidate;
}

// What one draw of the annealing costs when it is refused: a random slot, its memory and precedences, its estimate.
void estimated_moves(benchmark::State& state) {
  const SearchProblem problem = problem_of(state);
  const Candidate candidate = candidate_of(problem);
  Random random(1);
  int64_t moves = 0;
  for (auto _ : state) {
    const int slot = candidate.slot_at(static_cast<int>(random.below(static_cast<uint32_t>(candidate.slots()))));
    if (!candidate.can_swap(slot)) continue;
    benchmark::DoNotOptimize(candidate.swapped_ns(slot));
    ++moves;
  }
  state.SetItemsProcessed(moves);
}
BENCHMARK(estimated_moves)->Args({8, 32})->Args({16, 64})->Args({64, 512});

void whole_evaluations(benchmark::State& state) {
  const SearchProblem problem = problem_of(state);
  Candidate candidate = candidate_of(problem);
  for (auto _ : state) {
    candidate.evaluate();
    benchmark::DoNotOptimize(candidate.value_ns());
  }
  // Each pass is evaluated twice: for its head and for its tail.
  state.SetItemsProcessed(2 * state.iterations() * problem.ops());
}
BENCHMARK(whole_evaluations)->Args({8, 32})->Args({16, 64})->Args({64, 512})->Unit(benchmark::kMicrosecond);

// A cycle of annealing, with all the swaps that it makes.
void annealing_moves(benchmark::State& state) {
  const SearchProblem problem = problem_of(state);
  const Candidate candidate = candidate_of(problem);
  Annealer annealer(problem, 1);
  int64_t moves = 0;
  for (auto _ : state) {
    annealer.start(candidate.order(), 50'000, 100'000);
    moves += annealer.run(INT64_MAX / 4, 0, nullptr);
  }
  state.SetItemsProcessed(moves);
}
BENCHMARK(annealing_moves)->Args({8, 32})->Args({16, 64})->Unit(benchmark::kMillisecond);

void list_schedules(benchmark::State& state) {
  const SearchProblem problem = problem_of(state);
  ListScheduler lists(problem);
  for (auto _ : state) benchmark::DoNotOptimize(lists.run(ListPolicy{}));
  state.SetItemsProcessed(state.iterations() * problem.ops());
}
BENCHMARK(list_schedules)->Args({8, 32})->Args({16, 64})->Args({64, 512})->Unit(benchmark::kMicrosecond);

void lower_bounds(benchmark::State& state) {
  const SearchProblem problem = problem_of(state);
  for (auto _ : state) benchmark::DoNotOptimize(lower_bound_ns(problem));
}
BENCHMARK(lower_bounds)->Args({8, 32})->Args({16, 64})->Args({64, 512})->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace pipeloom::planner
