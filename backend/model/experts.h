#pragma once

#include <vector>

#include "backend/model/expert_rows.h"
#include "backend/model/feed_forward.h"
#include "core/job/model.h"

namespace pipeloom::backend {

// The routed experts that one rank holds, applied to the rows of every source rank. Each source is computed on its own,
// so that its results and gradients don't depend on who else sent rows.
template <typename Real>
class Experts {
 public:
  struct Source {
    std::vector<int32_t> counts;  // [local expert]
    // What came, each row once where it is kept in FP8: rows of one token are alike (DeepSeek-V3 permutes them again).
    Kept<Real> rows;
    std::vector<int32_t> places;                               // [row] in `rows`
    std::vector<Real> weights;                                 // [row] in the gate
    std::vector<typename FeedForward<Real>::Saved> of_expert;  // [local expert]
  };
  struct Saved {
    std::vector<Source> sources;
  };

  // Experts `first` to `first + count - 1` of the model.
  Experts(ParameterBlock& block, const Model& model, int first, int count, const Keeping& keeping,
          const Products<Real>& products);

  // Rows go in and come out as ExpertRows, [source]. In F they come with tokens and weights; I takes the gradients of
  // the weighted rows and gives those of the weights too.
  void forward(const Real* weights, std::vector<ExpertRows<Real>>& rows, Saved& saved) const;
  void input_backward(const Real* weights, std::vector<ExpertRows<Real>>& rows, Saved& saved) const;
  void weight_backward(const Source& source, Real* gradients) const;

 private:
  void keep(const ExpertRows<Real>& rows, Source& source) const;

  Format cached_;
  std::vector<FeedForward<Real>> experts_;
};

}  // namespace pipeloom::backend
