#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/job/layout.h"
#include "core/schedule/placement.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// A run has pipeline x data ranks in all: rank r of replica d is number d * pipeline + r.
struct RunRank {
  int replica = 0;
  int pipeline_rank = 0;

  static RunRank of(int number, int pipeline) { return {number / pipeline, number % pipeline}; }
  int number(int pipeline) const { return replica * pipeline + pipeline_rank; }
  bool operator==(const RunRank&) const = default;
};

// The numbers of the EP group that `rank` is in, and its place among them.
struct EpGroup {
  std::vector<int> members;
  int place = 0;
};
EpGroup ep_group(const Layout& layout, RunRank rank);

// Who holds the same numbers of a stage, in the order in which their gradients are added: of what all replicas share,
// every copy (one per pipe) of every replica; of routed experts, those of the replicas with the same place in their EP
// group. `place` is where `rank` is in it, and which part of the optimizer it runs (ZeRO-1).
struct ReductionGroup {
  std::vector<int> members;
  int place = 0;

  // The part of `size` numbers that member number `member` reduces and optimizes: where it begins, and how many.
  std::pair<int64_t, int64_t> part(int member, int64_t size) const {
    const auto count = static_cast<int64_t>(members.size());
    const int64_t begin = size * member / count;
    return {begin, size * (member + 1) / count - begin};
  }
};
// The last stage's MTP modules use the embedding's table. They borrow the first stage's own where that is on the same
// rank, else have a copy: the two ways to share it, here and nowhere else.
inline bool borrows_token_table(const Plan& plan, int stage) {
  return plan.costs.shares_embedding && stage == plan.schedule.stages() - 1 &&
         plan.schedule.placement().ends_share_a_rank();
}
inline bool copies_token_table(const Plan& plan) {
  return plan.costs.shares_embedding && !plan.schedule.placement().ends_share_a_rank();
}
// Of copies_token_table: of the first stage's token table, with which the last stage reduces its copy.
ReductionGroup token_table_group(const Layout& layout, const Placement& placement, RunRank rank);
ReductionGroup reduction_group(const Layout& layout, const Placement& placement, int stage, RunRank rank, bool routed);

}  // namespace pipeloom::backend
