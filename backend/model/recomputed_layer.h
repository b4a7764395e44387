#pragma once

#include <vector>

#include "backend/model/kept.h"
#include "backend/model/part.h"

namespace pipeloom::backend {

// A layer of which F keeps only the input: when the first of its I's comes, F runs again and keeps what I and W need
// (Chen et al., arXiv 1604.06174, section 3). Shared by the runs of its components for one micro-batch.
template <typename Real>
class RecomputedLayer {
 public:
  using Packages = typename ExchangeRun<Real>::Packages;

  // `input` [tokens, hidden] is taken to have the format `stream`.
  RecomputedLayer(const Matrix<Real>& input, Format stream) : input_(input, stream) {}

  // In the order of F. Parts and weights stay as they are until the last I. Returns the part's number.
  size_t join(const Part<Real>& part, PartNumbers<const Real> weights);
  // The dispatch of the layer, behind the parts that have joined; alive until its I.
  void dispatch_by(ExchangeRun<Real>& run) {
    dispatch_ = &run;
    before_dispatch_ = members_.size();
  }

  // The run of a part after F has run again; once for each part.
  std::unique_ptr<PartRun<Real>> take(size_t member);

  // F again where dispatch goes to other ranks: up to it, and on from what it brought.
  Packages pack();
  void unpack(Packages received);

 private:
  struct Member {
    const Part<Real>* part = nullptr;
    PartNumbers<const Real> weights;
    std::unique_ptr<PartRun<Real>> run;
  };
  void forward(size_t begin, size_t end);

  Kept<Real> input_;
  std::vector<Member> members_;
  ExchangeRun<Real>* dispatch_ = nullptr;
  size_t before_dispatch_ = 0;  // members
  Flow<Real> flow_;             // of F's second run
};

// `part` as a part of a RecomputedLayer. `is_first`: in its layer.
template <typename Real>
std::unique_ptr<Part<Real>> recomputed_part(std::unique_ptr<Part<Real>> part, bool is_first, Format stream);

}  // namespace pipeloom::backend
