#include "planner/cli/overlap_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "core/units.h"
#include "planner/cli/report.h"
#include "planner/cli/table.h"
#include "planner/overlap/split.h"

namespace pipeloom {

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
