#include "planner/cli/subject_options.h"

#include <fmt/format.h>

#include "core/base/units.h"
#include "planner/app/choose_subject.h"
#include "planner/app/times.h"

namespace pipeloom::planner {

namespace {

constexpr int64_t kWhole = 1'000'000;  // millionths

Result<std::optional<int64_t>> parse_weight_share(const SubjectOptions& options) {
  const bool both = !options.release.empty() && !options.weight_share.empty();
  if (both) return invalid("--release and --weight-share say the same thing; give one of them");
  if (options.release == "I") return 0;
  if (options.release == "W") return kWhole;
  if (options.weight_share.empty()) return std::nullopt;
  const auto share = parse_millionths(options.weight_share);
  if (share && *share >= 0 && *share <= kWhole) return *share;
  return invalid(fmt::format("--weight-share is {}; allowed are 0 to 1", options.weight_share));
}

Result<SubjectSource> source_of(const SubjectOptions& options) {
  JobChanges changes = {.schedule = options.schedule,
                        .ranks = options.ranks,
                        .micro_batches = options.micro_batches,
                        .chunks = options.chunks,
                        .group = options.group,
                        .pipes = options.pipes,
                        .waves = options.waves,
                        .expert_load_csv = options.expert_load,
                        .constants = options.constants,
                        .receive_depth = options.receive_depth};
  PIPELOOM_TRY(changes.weight_share_millionths, parse_weight_share(options));
  if (!options.times.empty()) {
    PIPELOOM_TRY(changes.times, parse_times(options.times));
  }
  if (options.p2p == "async") changes.p2p = P2pMode::kAsync;
  if (options.p2p == "blocking") changes.p2p = P2pMode::kBlocking;
  return SubjectSource{options.path, options.job, std::move(changes), options.framework};
}

}  // namespace

Result<Job> load_job(const SubjectOptions& options) {
  PIPELOOM_TRY(const SubjectSource source, source_of(options));
  return choose_job(source);
}

Result<Subject> load_subject(const SubjectOptions& options) {
  PIPELOOM_TRY(const SubjectSource source, source_of(options));
  return choose_subject(source);
}

}  // namespace pipeloom::planner
