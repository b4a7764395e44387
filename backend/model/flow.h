#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "backend/model/expert_rows.h"
#include "backend/model/gate.h"
#include "backend/model/matrix.h"

namespace pipeloom {

// What passes from component to component for one micro-batch of one chunk. In the backward pass the numbers are the
// gradients of what they were in the forward pass.
template <typename Real>
struct Flow {
  std::vector<int32_t> tokens;  // where the chunk has the embedding
  // Where it has the head: what the tokens are to predict, [0] one token ahead, [depth] what each MTP module is to.
  std::vector<std::vector<int32_t>> targets;
  double loss = 0;          // the sum of the tokens' losses, from the head
  double further_loss = 0;  // what training minimises besides, in the same unit: of gates and MTP modules
  Matrix<Real> hidden;      // [tokens, hidden] the residual stream

  // Of the MoE layer that runs.
  Matrix<Real> normed;                         // [tokens, hidden] what the experts read ...
  std::function<Matrix<Real>()> normed_again;  // ... and that once more, until the router's I
  Routing<Real> routing;                       // the gradient is of its weights
  std::vector<ExpertRows<Real>> rows;          // [source] what the experts of this rank got, then what they made of it
};

}  // namespace pipeloom
