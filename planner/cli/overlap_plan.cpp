#include "planner/cli/overlap_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "core/base/units.h"
#include "planner/cli/report.h"
#include "planner/cli/text_table.h"
#include "planner/overlap/hand_over_split.h"
#include "planner/overlap/split.h"

namespace pipeloom::planner {

namespace {

void print_hand_over(const Subject& subject, const NamedSchedule& named, std::ostream& out) {
  const Cluster& cluster = *subject.job.cluster;
  std::vector<int> candidates = hand_over_candidates(cluster);
  if (std::ranges::find(candidates, cluster.comm_sms) == candidates.end()) candidates.push_back(cluster.comm_sms);
  std::ranges::sort(candidates);
  Job open = subject.job;
  open.cluster->hand_over.reset();
  TextTable table({"SMs of a rank for hand-overs", "method", "piece", "GB/s", "time/step"});
  for (const HandOverSplit& split : hand_over_splits(open, named, candidates)) {
    const bool chosen = split.comm_sms == cluster.comm_sms;
    const HandOverCopy& how = chosen ? *cluster.hand_over : split.how;
    table.add_row({fmt::format("{}{}", chosen ? "* " : "", split.comm_sms), copy_method_name(how.method),
                   format_bytes(how.piece_bytes), fmt::format("{:.1f}", split.bytes_per_s / 1e9),
                   format_duration(split.step_ns)});
  }
  out << "\nhow many SMs hand-overs get (* here), of the " << cluster.gpu.sms
      << " that a rank has of the shared GPU\n\n"
      << table.text();
}

}  // namespace

void print_split(const Subject& subject, std::ostream& out) {
  const auto named = find_schedule(subject.schedule_name);
  if (named && has_hand_over_choice(subject.job)) return print_hand_over(subject, **named, out);
  if (!has_pairs(subject) || !named) return;
  const int chosen = subject.job.cluster->comm_sms;
  std::vector<int> candidates = {4, 6, 8, 10, 12, 16, 20, 24, 28, 32, 40};
  if (std::find(candidates.begin(), candidates.end(), chosen) == candidates.end()) candidates.push_back(chosen);
  std::sort(candidates.begin(), candidates.end());
  std::erase_if(candidates, [&](int sms) { return sms > subject.job.cluster->gpu.sms - 8; });
  TextTable table({"SMs for communication", "piece", "time/step", "hidden in a pair", "exposed"});
  for (const SplitPoint& point : split_curve(subject.job, **named, candidates)) {
    table.add_row({fmt::format("{}{}", point.comm_sms == chosen ? "* " : "", point.comm_sms),
                   fmt::format("{} tokens", point.piece_tokens), format_duration(point.step_ns),
                   format_duration(point.hidden_ns), format_duration(point.exposed_ns)});
  }
  out << "\nhow many SMs communication gets (* here), with DeepSeek-V3's order inside pairs\n\n" << table.text();
}

}  // namespace pipeloom::planner
