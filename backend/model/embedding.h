#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/model/keeping.h"
#include "backend/model/kept.h"
#include "backend/model/parameters.h"
#include "core/job/model.h"

namespace pipeloom::backend {

// Rows of a table, one per token, plus rows of a position table where positions are learned.
template <typename Real>
class Embedding {
 public:
  struct Saved {
    std::vector<int32_t> tokens;
    Kept<Real> output_gradient;  // [tokens, hidden] from I, for W
  };

  Embedding(ParameterBlock& block, const Model& model, int64_t sequence, const Keeping& keeping);

  // REQUIRES: every token is in the vocabulary.
  // `table` [vocabulary, hidden]. Returns [tokens, hidden].
  Matrix<Real> forward(const Real* weights, const Real* table, std::span<const int32_t> tokens, Saved& saved) const;
  // Tokens have no gradient.
  void input_backward(const Matrix<Real>& output_gradient, Saved& saved) const {
    saved.output_gradient = Kept<Real>(output_gradient, kept_);
  }
  void weight_backward(const Saved& saved, Real* gradients, Real* table_gradients) const;

 private:
  int64_t sequence_;
  Format kept_;
  int64_t hidden_;
  Weight positions_;  // [learned_positions, hidden]
};

}  // namespace pipeloom::backend
