#include "planner/subject/compare.h"

#include <algorithm>

#include "planner/evaluate/memory_interval.h"
#include "planner/evaluate/step_interval.h"

namespace pipeloom::planner {

namespace {

// Returns one entry per stage, such that entries sum to `share_ns` on every rank, to the nanosecond.
std::vector<int64_t> divided(int64_t share_ns, const Placement& placement, int chunks) {
  std::vector<int64_t> of_stage(placement.stages());
  for (int rank = 0; rank < placement.ranks(); ++rank) {
    const auto held = placement.chunks_of(rank);
    for (int i = 0; i < static_cast<int>(held.size()); ++i) {
      of_stage[held[i].stage] = share_ns / chunks + (i < share_ns % chunks ? 1 : 0);
    }
  }
  return of_stage;
}

Job with_costs_per_chunk(Job job, const Placement& placement) {
  const int chunks = placement.stages() / placement.ranks();
  if (!job.costs || chunks == 1) return job;
  DirectCosts& costs = *job.costs;
  const auto lists = {&costs.f_ns, &costs.i_ns, &costs.w_ns, &costs.b_ns};
  // A list for another number of stages is left as it is, and refused later.
  if (std::any_of(lists.begin(), lists.end(), [](const auto* times) { return times->size() > 1; })) return job;
  for (auto* times : lists) {
    if (!times->empty()) *times = divided(times->front(), placement, chunks);
  }
  // One cost covers all pairs, so it is rounded up and never shorter than its passes.
  for (auto* pair_ns : {&costs.pair_ns, &costs.input_pair_ns}) {
    if (*pair_ns) *pair_ns = (**pair_ns + chunks - 1) / chunks;
  }
  return job;
}

Result<ComparedNumbers> numbers_of(ComparedSchedule& entry, const Job& job, const Framework* framework) {
  PIPELOOM_TRY(entry.job, job_for(job, *entry.named));
  if (framework != nullptr) PIPELOOM_RETURN_IF_ERROR(framework->check(entry.job, *entry.named));
  PIPELOOM_TRY(const Placement placement, entry.named->placement(shape_of(entry.job)));
  entry.job = with_costs_per_chunk(std::move(entry.job), placement);
  PIPELOOM_TRY(const Evaluation evaluation, evaluate(entry.job, *entry.named));
  const int chunks = job.costs ? placement.stages() / placement.ranks() : 1;
  return ComparedNumbers{.step_ns = evaluation.end.step_ns,
                         .makespan_ns = evaluation.bubble.makespan_ns,
                         .span_ns = evaluation.bubble.span_ns,
                         .bubble_global_rate = evaluation.bubble.global_rate(),
                         .bubble_span_rate = evaluation.bubble.span_rate(),
                         .peak_memory = evaluation.peak_memory() / chunks,
                         .fullest_rank = evaluation.fullest_rank(),
                         .weight_copies = evaluation.weight_copies,
                         .overlap = evaluation.overlap,
                         .fits = fits_memory(entry.job, evaluation),
                         .may_not_fit = may_not_fit(entry.job, evaluation.peak_memory())};
}

// Marks those that fit as the first one does and whose times can't be told from its time.
void mark_close(const Job& job, std::vector<ComparedSchedule>& compared) {
  const ComparedNumbers best = *compared.front().numbers;
  for (size_t i = 1; i < compared.size(); ++i) {
    if (!compared[i].numbers) continue;
    ComparedNumbers& numbers = *compared[i].numbers;
    numbers.close_to_best = numbers.fits == best.fits && too_close_to_call(job, best.step_ns, numbers.step_ns);
  }
}

}  // namespace

std::vector<ComparedSchedule> compare_schedules(const Job& job, const Framework* framework) {
  std::vector<ComparedSchedule> compared;
  for (const NamedSchedule& named : named_schedules()) {
    ComparedSchedule entry{&named, job, ComparedNumbers{}};
    entry.numbers = numbers_of(entry, job, framework);
    compared.push_back(std::move(entry));
  }
  const auto key = [](const ComparedSchedule& entry) {
    if (!entry.numbers) return std::pair(2, int64_t{0});
    return std::pair(entry.numbers->fits ? 0 : 1, entry.numbers->step_ns);
  };
  std::stable_sort(compared.begin(), compared.end(),
                   [&](const ComparedSchedule& a, const ComparedSchedule& b) { return key(a) < key(b); });
  if (compared.front().numbers) mark_close(job, compared);
  return compared;
}

}  // namespace pipeloom::planner
