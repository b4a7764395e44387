#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "backend/model/expert_rows.h"
#include "backend/model/gate.h"
#include "backend/model/kept.h"
#include "backend/model/matrix.h"

namespace pipeloom::backend {

template <typename Real>
class RecomputedLayer;

// What passes from component to component for one micro-batch of one chunk. In the backward pass the numbers are the
// gradients of what they were in the forward pass.
template <typename Real>
struct Flow {
  std::vector<int32_t> tokens;  // where the chunk has the embedding
  // Where it has the head: what the tokens are to predict, [0] one token ahead, [depth] what each MTP module is to.
  std::vector<std::vector<int32_t>> targets;
  double loss = 0;          // the sum of the tokens' losses, from the head
  double mtp_loss = 0;      // the same of all MTP modules
  double further_loss = 0;  // what training minimises besides, in the same unit: of gates and MTP modules
  Matrix<Real> hidden;      // [tokens, hidden] the residual stream

  std::shared_ptr<RecomputedLayer<Real>> layer;  // in F: the one that runs, with full recomputation

  // Of the MoE layer that runs.
  Matrix<Real> normed;  // [tokens, hidden] what the experts read ...
  // ... and that as the router keeps it for I and W. May be called until the router's I.
  std::function<std::shared_ptr<const Kept<Real>>()> normed_again;
  Routing<Real> routing;               // the gradient is of its weights
  std::vector<ExpertRows<Real>> rows;  // [source] what the experts of this rank got, then what they made of it
};

}  // namespace pipeloom::backend
