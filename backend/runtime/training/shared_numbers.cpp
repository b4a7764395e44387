#include "backend/runtime/training/shared_numbers.h"

namespace pipeloom::backend {

std::vector<SharedNumbers> shared_numbers(const Stage<float>& maths, int stage, const Layout& layout,
                                          const Placement& placement, RunRank rank, bool copies_tokens) {
  std::vector<SharedNumbers> shared;
  int64_t so_far = 0;
  const auto share = [&](int64_t end, ReductionGroup members, int about) {
    shared.push_back({so_far, end - so_far, std::move(members), about});
    so_far = end;
  };
  const auto tokens = maths.table(Table::kTokens);
  if (copies_tokens && tokens) {
    PIPELOOM_THROW_UNLESS(*tokens == 0);
    share(maths.parameters().front().parameter.size(), token_table_group(layout, placement, rank), -1);
  }
  share(maths.own_size(), reduction_group(layout, placement, stage, rank, false), 2 * stage);
  share(maths.size(), reduction_group(layout, placement, stage, rank, true), 2 * stage + 1);
  return shared;
}

}  // namespace pipeloom::backend
