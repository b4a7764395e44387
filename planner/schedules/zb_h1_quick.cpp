#include <algorithm>

#include "planner/schedules/zero_bubble.h"
#include "planner/schedules/zero_bubble_inputs.h"

namespace pipeloom::planner {

namespace {

class RankOrder {
 public:
  RankOrder(int rank, const PipelineShape& shape)
      : rank_(rank),
        micro_batches_(shape.micro_batches),
        warm_up_(std::min(shape.ranks - 1 - rank, shape.micro_batches)) {}

  std::vector<Slot> build() {
    for (int m = 0; m < warm_up_; ++m) order_.push_back(Slot::forward(rank_, m));
    for (int m = 0; m < micro_batches_; ++m) {
      if (warm_up_ + m < micro_batches_) order_.push_back(Slot::forward(rank_, warm_up_ + m));
      put_backward(m);
    }
    while (!waiting_.empty()) put_weight();
    return std::move(order_);
  }

 private:
  // W lags I by `rank_`. The W inside an unsplit B counts as the one that is due.
  void put_backward(int m) {
    const bool filling = m < rank_;
    const bool draining = m >= micro_batches_ - warm_up_ - 1;
    if (rank_ == 0 || !(filling || draining)) {
      order_.push_back(Slot::backward(rank_, m));
      return;
    }
    order_.push_back(Slot::input_backward(rank_, m));
    waiting_.push_back(m);
    if (draining && !filling) put_weight();
  }

  void put_weight() {
    order_.push_back(Slot::weight_backward(rank_, waiting_.front()));
    waiting_.erase(waiting_.begin());
  }

  int rank_;
  int micro_batches_;
  int warm_up_;
  std::vector<Slot> order_;
  std::vector<int> waiting_;  // micro-batches whose W is still to come; at most those in flight on the rank
};

}  // namespace

// The variant of ZB-H1 that fits into Megatron's 1F1B loop (sail-sg/zero-bubble-pipeline-parallelism,
// zb-h1-quick-start).
Result<Schedule> zb_h1_quick(const PipelineShape& shape) {
  PIPELOOM_RETURN_IF_ERROR(check_micro_batches(shape));
  PIPELOOM_TRY(Placement placement, Placement::linear(shape.ranks));
  RankOrders orders;
  for (int rank = 0; rank < shape.ranks; ++rank) orders.push_back(RankOrder(rank, shape).build());
  return Schedule::create(std::move(placement), shape.micro_batches, orders);
}

}  // namespace pipeloom::planner
