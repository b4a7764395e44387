#include "backend/runtime/program/replicas.h"

#include <algorithm>

#include "core/base/check.h"

namespace pipeloom::backend {

EpGroup ep_group(const Layout& layout, RunRank rank) {
  EpGroup group;
  group.place = rank.replica % layout.expert;
  const int first = rank.replica - group.place;
  for (int replica = first; replica < first + layout.expert; ++replica) {
    group.members.push_back(RunRank{replica, rank.pipeline_rank}.number(layout.pipeline));
  }
  return group;
}

namespace {

ReductionGroup with_place(ReductionGroup group, int number) {
  const auto own = std::ranges::find(group.members, number);
  PIPELOOM_THROW_UNLESS(own != group.members.end());
  group.place = static_cast<int>(own - group.members.begin());
  return group;
}

}  // namespace

ReductionGroup reduction_group(const Layout& layout, const Placement& placement, int stage, RunRank rank, bool routed) {
  ReductionGroup group;
  for (int replica = 0; replica < layout.data; ++replica) {
    if (routed && replica % layout.expert != rank.replica % layout.expert) continue;
    for (int pipe = 0; pipe < placement.pipes(); ++pipe) {
      group.members.push_back(RunRank{replica, placement.rank_of(pipe, stage)}.number(layout.pipeline));
    }
  }
  return with_place(std::move(group), rank.number(layout.pipeline));
}

ReductionGroup token_table_group(const Layout& layout, const Placement& placement, RunRank rank) {
  ReductionGroup group;
  for (int replica = 0; replica < layout.data; ++replica) {
    for (const int stage : {0, placement.stages() - 1}) {
      for (int pipe = 0; pipe < placement.pipes(); ++pipe) {
        group.members.push_back(RunRank{replica, placement.rank_of(pipe, stage)}.number(layout.pipeline));
      }
    }
  }
  return with_place(std::move(group), rank.number(layout.pipeline));
}

}  // namespace pipeloom::backend
