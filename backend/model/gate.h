#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "backend/model/kept.h"
#include "backend/model/parameters.h"
#include "backend/model/products.h"
#include "core/job/model.h"

namespace pipeloom::backend {

// Which experts the tokens of a micro-batch go to. A choice is (token, one of its experts_per_token places).
template <typename Real>
struct Routing {
  std::vector<int32_t> experts;  // [tokens * experts_per_token] ascending within a token
  std::vector<Real> weights;     // [tokens * experts_per_token]

  bool operator==(const Routing&) const = default;
};

// The balance loss, and what turns a token's loss into the step's.
struct BalanceShape {
  int64_t sequence = 1;   // tokens
  double loss_scale = 1;  // of the sum of the tokens' losses
};

// Softmax gates (Mixtral, arXiv 2401.04088, section 2.1) weigh by the softmax over the largest logits. Sigmoid gates
// (DeepSeek-V3, arXiv 2412.19437, section 2.1.2) weigh by the sigmoids of the chosen over their sum, choose by sigmoid
// plus a bias that follows the experts' loads, and add a sequence-wise balance loss (equations 12 to 20). With groups,
// experts of a token's groups_per_token best groups only; a group is as good as its best expert, with sigmoids as the
// sum of its best two. Equal scores: the lower number.
template <typename Real>
class Gate {
 public:
  struct Saved {
    Kept<Real> scores;  // [tokens, routed_experts] logits, or sigmoids; until I
    Routing<Real> routing;
    Kept<Real> logits_gradient;  // [tokens, routed_experts] from I, for W
  };

  // `kept`: how the gradients that W needs are kept.
  Gate(ParameterBlock& block, const Model& model, const BalanceShape& balance, const Products<Real>& products,
       Format kept = Format::kFp32);

  // `input` [tokens, hidden].
  Routing<Real> forward(const Real* weights, const Matrix<Real>& input, Saved& saved) const;
  // Of the micro-batch, in units of a token's loss; 0 where the gate has none.
  double balance_loss(const Saved& saved) const;
  // `weights_gradient` [tokens * experts_per_token], of Routing::weights. Which experts are chosen has no gradient.
  Matrix<Real> input_backward(const Real* weights, const std::vector<Real>& weights_gradient, Saved& saved) const;
  // The "gradient" of an expert's bias is its load: how many tokens chose it.
  void weight_backward(const Saved& saved, const Matrix<Real>& input, Real* gradients) const;

 private:
  void choose(const Real* scores, const Real* biases, Routing<Real>& routing) const;
  void weigh(const Real* scores, int64_t token, Routing<Real>& routing) const;
  // Of one sequence that begins at a token: the factors f of equation 18.
  std::vector<double> load_shares(const Routing<Real>& routing, int64_t first_token) const;
  void add_balance_gradient(const Matrix<Real>& scores, const Routing<Real>& routing, Matrix<Real>& gradient) const;

  MoeShape shape_;
  BalanceShape balance_;
  Format kept_;
  Weight weight_;               // [hidden, routed_experts]
  std::optional<Weight> bias_;  // [1, routed_experts]
  const Products<Real>& products_;
};

}  // namespace pipeloom::backend
