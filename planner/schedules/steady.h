#pragma once

#include <algorithm>
#include <vector>

#include "core/schedule/slot.h"

namespace pipeloom::planner {

// Makes the order that 1F1B and its relatives share: `warm_up` forwards, then a forward and a backward in turn, then
// the remaining backwards. `forward(k)` and `backward(k)` return a rank's k-th slot of that kind, k in 0 .. count-1.
template <typename Forward, typename Backward>
std::vector<Slot> one_f_one_b_order(int count, int warm_up, Forward forward, Backward backward) {
  std::vector<Slot> order;
  order.reserve(2 * static_cast<size_t>(count));
  warm_up = std::min(warm_up, count);
  for (int k = 0; k < warm_up; ++k) order.push_back(forward(k));
  for (int k = 0; k < count - warm_up; ++k) {
    order.push_back(forward(warm_up + k));
    order.push_back(backward(k));
  }
  for (int k = count - warm_up; k < count; ++k) order.push_back(backward(k));
  return order;
}

// Makes the order of one_f_one_b_order() with each forward and backward of the steady state as a pair.
template <typename Forward, typename Backward>
std::vector<Slot> overlapped_order(int count, int warm_up, Forward forward, Backward backward) {
  std::vector<Slot> order;
  order.reserve(2 * static_cast<size_t>(count));
  warm_up = std::min(warm_up, count);
  for (int k = 0; k < warm_up; ++k) order.push_back(forward(k));
  for (int k = 0; k < count - warm_up; ++k) {
    const Slot f = forward(warm_up + k);
    const Slot b = backward(k);
    order.push_back(Slot::pair(f.stage, f.micro_batch, b.stage, b.micro_batch));
  }
  for (int k = count - warm_up; k < count; ++k) order.push_back(backward(k));
  return order;
}

}  // namespace pipeloom::planner
