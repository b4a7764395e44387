#pragma once

#include "backend/model/flow.h"

namespace pipeloom {

// Dispatch and combine as data movements between the ranks of an EP group, apart from the experts' maths: each pass
// packs one ExpertRows per member, and unpacks one from each member. A rank alone hands its own package to itself.

// Sends each token's row to the experts that it chose. I brings the gradients of those rows back.
template <typename Real>
class Dispatch {
 public:
  struct Saved {
    ChoiceOrder order;
  };

  Dispatch(int routed_experts, int experts_per_token, int members)
      : routed_experts_(routed_experts), experts_per_token_(experts_per_token), members_(members) {}

  std::vector<ExpertRows<Real>> pack_forward(const Flow<Real>& flow, Saved& saved) const;
  void unpack_forward(std::vector<ExpertRows<Real>> received, Flow<Real>& flow) const;
  std::vector<ExpertRows<Real>> pack_backward(Flow<Real>& flow) const;
  // Adds to the gradient of `normed`, in the order of the experts.
  void unpack_backward(const std::vector<ExpertRows<Real>>& received, Flow<Real>& flow, const Saved& saved) const;

 private:
  int routed_experts_;
  int experts_per_token_;
  int members_;
};

// Brings the experts' rows back and adds them, times their weights, to the residual stream in the order of the experts.
// I sends the rows' gradients and leaves those of the weights.
template <typename Real>
class Combine {
 public:
  struct Saved {
    ChoiceOrder order;
    std::vector<Real> weights;  // [tokens * experts_per_token]
    Matrix<Real> rows;          // [tokens * experts_per_token, hidden] in the order's order
  };

  Combine(int routed_experts, int experts_per_token, int members)
      : routed_experts_(routed_experts), experts_per_token_(experts_per_token), members_(members) {}

  std::vector<ExpertRows<Real>> pack_forward(Flow<Real>& flow) const;
  void unpack_forward(const std::vector<ExpertRows<Real>>& received, Flow<Real>& flow, Saved& saved) const;
  std::vector<ExpertRows<Real>> pack_backward(Flow<Real>& flow, const Saved& saved) const;
  void unpack_backward(std::vector<ExpertRows<Real>> received, Flow<Real>& flow) const;

 private:
  int routed_experts_;
  int experts_per_token_;
  int members_;
};

}  // namespace pipeloom
