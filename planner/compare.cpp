#include "planner/compare.h"

#include <algorithm>

namespace pipeloom {

namespace {

// Direct costs with one entry are those of a rank's share of a micro-batch. A schedule that cuts the share into several
// chunks runs it in as many passes.
Job with_costs_per_chunk(Job job, int chunks) {
  if (!job.costs || chunks == 1) return job;
  for (auto* times : {&job.costs->f_ns, &job.costs->i_ns, &job.costs->w_ns, &job.costs->b_ns}) {
    if (times->size() == 1) times->front() /= chunks;
  }
  if (job.costs->pair_ns) *job.costs->pair_ns /= chunks;
  return job;
}

ComparedSchedule compare_one(const Job& job, const NamedSchedule& named) {
  ComparedSchedule entry{&named, job, fail(ErrorCode::kInvalid, ""), false};
  const auto placement = named.placement(shape_of(job));
  if (!placement) {
    entry.evaluation = tl::unexpected(placement.error());
    return entry;
  }
  const int chunks = placement->stages() / placement->ranks();
  entry.job = with_costs_per_chunk(job, chunks);
  entry.evaluation = evaluate(entry.job, named);
  if (!entry.evaluation) return entry;
  if (job.costs) {
    for (RankMemory& held : entry.evaluation->memory) held.activations /= chunks;
  }
  entry.fits = fits_memory(job, *entry.evaluation);
  return entry;
}

}  // namespace

std::vector<ComparedSchedule> compare_schedules(const Job& job) {
  std::vector<ComparedSchedule> compared;
  for (const NamedSchedule& named : named_schedules()) compared.push_back(compare_one(job, named));
  const auto key = [](const ComparedSchedule& entry) {
    const int group = entry.fits ? 0 : entry.evaluation ? 1 : 2;
    return std::pair(group, entry.evaluation ? entry.evaluation->end.step_ns : 0);
  };
  std::stable_sort(compared.begin(), compared.end(),
                   [&](const ComparedSchedule& a, const ComparedSchedule& b) { return key(a) < key(b); });
  return compared;
}

}  // namespace pipeloom
