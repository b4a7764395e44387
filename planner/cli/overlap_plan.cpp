#include "planner/cli/overlap_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "core/units.h"
#include "planner/cli/report.h"
#include "planner/cli/table.h"

namespace pipeloom {

namespace {

bool has_pairs(const Subject& subject) {
  const auto slots = subject.evaluation.schedule.slots();
  const bool pairs =
      std::any_of(slots.begin(), slots.end(), [](const Slot& slot) { return slot.kind == SlotKind::kFB; });
  return pairs && !subject.evaluation.costs.overlap.of_pair.empty();
}

}  // namespace

Result<Subject> plan_overlap(Subject subject, std::optional<int> comm_sms) {
  if (comm_sms) {
    if (!subject.job.cluster) return invalid("--comm-sms is given; allowed only for a job with a cluster");
    subject.job.cluster->comm_sms = *comm_sms;
    PIPELOOM_CHECK_OK(make_cluster(*subject.job.cluster).map([](const Cluster&) {}));
  }
  const auto named = find_schedule(subject.schedule_name);
  if (!has_pairs(subject) || !named) return subject;
  Job job = subject.job;
  if (!comm_sms) job = with_best_split(job, split_curve(job, **named, candidate_splits(*job.cluster)));
  PIPELOOM_TRY(Evaluation evaluation, evaluate(job, **named, searched_order));
  return Subject{std::move(job), std::move(subject.schedule_name), std::move(evaluation)};
}

void print_split(const Subject& subject, std::ostream& out) {
  const auto named = find_schedule(subject.schedule_name);
  if (!has_pairs(subject) || !named) return;
  const int chosen = subject.job.cluster->comm_sms;
  std::vector<int> candidates = {4, 6, 8, 10, 12, 16, 20, 24, 28, 32, 40};
  if (std::find(candidates.begin(), candidates.end(), chosen) == candidates.end()) candidates.push_back(chosen);
  std::sort(candidates.begin(), candidates.end());
  std::erase_if(candidates, [&](int sms) { return sms > subject.job.cluster->gpu.sms - 8; });
  Table table({"SMs for communication", "chunk", "time/step", "hidden in a pair", "exposed"});
  for (const SplitPoint& point : split_curve(subject.job, **named, candidates)) {
    table.add_row({fmt::format("{}{}", point.comm_sms == chosen ? "* " : "", point.comm_sms),
                   fmt::format("{} tokens", point.chunk_tokens), format_duration(point.step_ns),
                   format_duration(point.hidden_ns), format_duration(point.exposed_ns)});
  }
  out << "\nhow many SMs communication gets (* here), with DeepSeek-V3's order inside pairs\n\n" << table.text();
}

}  // namespace pipeloom
