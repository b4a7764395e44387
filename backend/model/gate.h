#pragma once

#include <cstdint>
#include <vector>

#include "backend/model/parameters.h"
#include "backend/model/products.h"
#include "core/model.h"

namespace pipeloom {

// Which experts the tokens of a micro-batch go to. A choice is (token, one of its experts_per_token places).
template <typename Real>
struct Routing {
  std::vector<int32_t> experts;  // [tokens * experts_per_token] ascending within a token
  std::vector<Real> weights;     // [tokens * experts_per_token] sum to 1 within a token

  bool operator==(const Routing&) const = default;
};

// The gate of Mixtral (arXiv 2401.04088, section 2.1): softmax over the largest logits. With groups, experts of a
// token's groups_per_token best groups only; a group is as good as its best expert. Equal logits: the lower number.
template <typename Real>
class Gate {
 public:
  struct Saved {
    Matrix<Real> input;  // [tokens, hidden]
    Routing<Real> routing;
    Matrix<Real> logits_gradient;  // [tokens, routed_experts] from I, for W
  };

  Gate(ParameterBlock& block, const Model& model, const Products<Real>& products);

  Routing<Real> forward(const Real* weights, Matrix<Real> input, Saved& saved) const;
  // `weights_gradient` [tokens * experts_per_token], of Routing::weights. Which experts are chosen has no gradient.
  Matrix<Real> input_backward(const Real* weights, const std::vector<Real>& weights_gradient, Saved& saved) const;
  void weight_backward(const Saved& saved, Real* gradients) const;

 private:
  MoeShape shape_;
  Weight weight_;  // [hidden, routed_experts]
  const Products<Real>& products_;
};

}  // namespace pipeloom
