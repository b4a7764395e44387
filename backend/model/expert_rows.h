#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/model/matrix.h"

namespace pipeloom::backend {

// The rows that one source rank sends to the experts of one rank: sorted by expert, then by token.
template <typename Real>
struct ExpertRows {
  std::vector<int32_t> counts;  // [local expert] rows
  Matrix<Real> rows;            // [sum of counts, hidden]
  // Of dispatch: the token of the source that each row is of, and its weight in the gate; backward the weight's
  // gradient. Else empty.
  std::vector<int32_t> tokens;
  std::vector<Real> weights;
};

// The choices of all tokens, sorted by expert, then by token: what dispatch sends, member after member, and what comes
// back. Number i is token i / experts_per_token's choice i % experts_per_token.
struct ChoiceOrder {
  std::vector<int32_t> choices;  // [tokens * experts_per_token]
  std::vector<int32_t> counts;   // [routed expert]
};
ChoiceOrder order_choices(std::span<const int32_t> experts, int routed_experts);

// Cuts `rows`, which lie in the order's order, into what each of `members` holds the experts of: the first
// experts / members are member 0's.
template <typename Real>
std::vector<ExpertRows<Real>> split_by_member(const Matrix<Real>& rows, const ChoiceOrder& order, int members);
// The other way. REQUIRES: as many rows as were split.
template <typename Real>
Matrix<Real> join_members(const std::vector<ExpertRows<Real>>& parts, int64_t hidden);

}  // namespace pipeloom::backend
