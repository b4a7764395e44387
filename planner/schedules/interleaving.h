#pragma once

#include <vector>

#include "core/base/result.h"
#include "core/schedule/slot.h"
#include "planner/schedules/shape.h"

namespace pipeloom::planner {

// The order in which interleaved schedules visit (chunk, micro-batch): a group of micro-batches passes the rank's first
// chunk, then its second, and so on; then the next group comes (Megatron's schedule table).
class Interleaving {
 public:
  // Takes shape.group if it is given, and fails if Megatron's rule does not allow it. Otherwise takes PyTorch's equal
  // groups, as near to `ranks` as divides the micro-batches (Megatron's default if `ranks` divides them). If there are
  // no equal groups, takes the smallest group that Megatron allows.
  static Result<Interleaving> create(const PipelineShape& shape, int chunks);

  int group() const { return group_; }
  int count() const { return static_cast<int>(visits_.size()); }
  // The k-th forward and backward of `rank`. Backwards visit the chunks in descending order.
  Slot forward(int rank, int k) const {
    return Slot::forward(visits_[k].chunk * ranks_ + rank, visits_[k].micro_batch);
  }
  Slot backward(int rank, int k) const {
    return Slot::backward((chunks_ - 1 - visits_[k].chunk) * ranks_ + rank, visits_[k].micro_batch);
  }

 private:
  struct Visit {
    int chunk = 0;
    int micro_batch = 0;
  };

  Interleaving(const PipelineShape& shape, int chunks, int group);

  int ranks_;
  int chunks_;
  int group_;
  std::vector<Visit> visits_;
};

}  // namespace pipeloom::planner
