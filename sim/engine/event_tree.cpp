#include "sim/engine/event_tree.h"

namespace pipeloom::sim {

EventTree::EventTree(uint32_t clocks) {
  while (leaves_ < clocks) leaves_ *= 2;
  time_ns_.assign(leaves_, kNever);
  winner_.resize(2 * size_t{leaves_});
  for (uint32_t leaf = 0; leaf < leaves_; ++leaf) winner_[leaves_ + leaf] = leaf;
  for (uint32_t node = leaves_ - 1; node > 0; --node) winner_[node] = winner_[2 * node];
}

void EventTree::set(uint32_t clock, int64_t time_ns) {
  if (time_ns_[clock] == time_ns) return;
  time_ns_[clock] = time_ns;
  for (uint32_t node = (leaves_ + clock) / 2; node > 0; node /= 2) {
    const uint32_t left = winner_[2 * node];
    const uint32_t right = winner_[2 * node + 1];
    const uint32_t winner = time_ns_[right] < time_ns_[left] ? right : left;
    if (winner == winner_[node] && winner != clock) return;
    winner_[node] = winner;
  }
}

}  // namespace pipeloom::sim
