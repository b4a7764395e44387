#pragma once

#include <cstdint>
#include <span>

#include "core/base/result.h"
#include "core/base/units.h"

namespace pipeloom::backend {

// The sum of the squares of gradients, in fixed point: the same bits in whatever order and from whatever ranks they
// come. Units of 2^-64, whatever the data is; plain bytes, so that ranks can tell each other.
class SquareSum {
 public:
  // Fails where a number is not finite or so large that the sum could overflow.
  Status add(float number);
  Status add(const SquareSum& other);

  // The square root of the sum.
  double norm() const;

 private:
  Status check() const;

  int128_t units_ = 0;
};

// What gradients of the given norm are multiplied by, so that theirs is at most `clip_norm`; 1 where it is
// (torch.nn.utils.clip_grad_norm_).
double clip_scale(double norm, double clip_norm);

}  // namespace pipeloom::backend
