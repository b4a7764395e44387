#pragma once

#include <vector>

#include "backend/model/stage.h"
#include "backend/runtime/program/replicas.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// A range of a stage's numbers, and which ranks have it.
struct SharedNumbers {
  int64_t begin = 0;
  int64_t size = 0;
  ReductionGroup group;
  int about = 0;  // the same for all members, whatever stage they have it for

  // Where the part of `member` begins that it reduces and optimizes, and how many numbers it has.
  std::pair<int64_t, int64_t> part(int member) const {
    const auto [first, count] = group.part(member, size);
    return {begin + first, count};
  }
  int members() const { return static_cast<int>(group.members.size()); }
};

// All numbers of stage number `stage` on `rank`, in their order. `copies_tokens`: a token table is reduced with the one
// at the other end of the model.
std::vector<SharedNumbers> shared_numbers(const Stage<float>& maths, int stage, const Layout& layout,
                                          const Placement& placement, RunRank rank, bool copies_tokens);

}  // namespace pipeloom::backend
