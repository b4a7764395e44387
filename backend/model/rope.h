#pragma once

#include <vector>

#include "backend/model/matrix.h"

namespace pipeloom::backend {

// Rotary position embedding (Su et al., arXiv 2104.09864, equation 34), base 10000; number i of a head turns with
// number i + dim / 2. Row r of a batch of sequences has the position r mod sequence.
template <typename Real>
class Rope {
 public:
  // REQUIRES: dim is even.
  Rope(int64_t sequence, int64_t dim);

  // Turns every row of `head` [tokens, dim] in place by its position; the gradient turns back.
  void turn(View<Real> head) const { rotate(head, Real{1}); }
  void turn_back(View<Real> head) const { rotate(head, Real{-1}); }

  const std::vector<Real>& cosines() const { return cosines_; }  // [position, dim / 2]
  const std::vector<Real>& sines() const { return sines_; }      // the same

 private:
  void rotate(View<Real> head, Real direction) const;

  int64_t sequence_;
  int64_t half_;
  std::vector<Real> cosines_;
  std::vector<Real> sines_;
};

}  // namespace pipeloom::backend
