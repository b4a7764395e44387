#pragma once

#include "backend/model/flow.h"
#include "core/job/formats.h"
#include "core/job/model.h"

namespace pipeloom::backend {

// Dispatch and combine as data movements between the ranks of an EP group, apart from the experts' maths: each pass
// packs one ExpertRows per member, and unpacks one from each member. A rank alone hands its own package to itself. What
// is packed is rounded to the format in which it travels, whether it travels or not.
struct ExchangeShape {
  int routed_experts = 0;
  int experts_per_token = 0;
  int members = 1;
  Formats formats;
};
ExchangeShape exchange_shape(const MoeShape& moe, int members, const Formats& formats);

// Sends each token's row to the experts that it chose, with its weight. I brings the gradients of both back.
template <typename Real>
class Dispatch {
 public:
  struct Saved {
    ChoiceOrder order;
  };

  explicit Dispatch(const ExchangeShape& shape) : shape_(shape) {}

  std::vector<ExpertRows<Real>> pack_forward(const Flow<Real>& flow, Saved& saved) const;
  void unpack_forward(std::vector<ExpertRows<Real>> received, Flow<Real>& flow) const;
  std::vector<ExpertRows<Real>> pack_backward(Flow<Real>& flow) const;
  // Adds to the gradient of `normed`, in the order of the experts; leaves those of the weights.
  void unpack_backward(const std::vector<ExpertRows<Real>>& received, Flow<Real>& flow, const Saved& saved) const;

 private:
  ExchangeShape shape_;
};

// Brings the experts' rows back and adds them, times their weights, to the residual stream in the order of the experts.
// I sends the gradients of the sum; the experts weigh them.
template <typename Real>
class Combine {
 public:
  struct Saved {
    ChoiceOrder order;
  };

  explicit Combine(const ExchangeShape& shape) : shape_(shape) {}

  std::vector<ExpertRows<Real>> pack_forward(Flow<Real>& flow) const;
  void unpack_forward(const std::vector<ExpertRows<Real>>& received, Flow<Real>& flow, Saved& saved) const;
  std::vector<ExpertRows<Real>> pack_backward(Flow<Real>& flow, const Saved& saved) const;
  void unpack_backward(std::vector<ExpertRows<Real>> received, Flow<Real>& flow) const;

 private:
  ExchangeShape shape_;
};

}  // namespace pipeloom::backend
