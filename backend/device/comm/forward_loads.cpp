#include "backend/device/comm/forward.h"
#include "core/base/check.h"

namespace pipeloom::backend {

// Reads and writes of rows: a sender reads and writes one for every node, a forwarder reads that and writes one for
// every rank, a receiver reads and writes those.
RoleLoads dispatch_loads(double node_copies, double rank_copies) {
  return {2 * node_copies, node_copies + rank_copies, 2 * rank_copies};
}

// A receiver reads BF16 rows of nodes and writes one of twice the size.
RoleLoads combine_loads(double node_copies, double rank_copies) {
  return {2 * rank_copies, rank_copies + node_copies, node_copies + 2};
}

void check_forward(const ForwardShape& shape, const WarpRoles& roles) {
  PIPELOOM_THROW_UNLESS(shape.width % 8 == 0 && shape.ring_rows > 0 && shape.sms > 0 && shape.streams > 0);
  PIPELOOM_THROW_UNLESS(roles.send > 0 && roles.forward > 0 && roles.receive > 0 && roles.all() <= 32);
  const int rank_units = shape.ranks * shape.nodes * shape.streams;
  const int fewest = roles.send < roles.receive ? roles.send : roles.receive;
  PIPELOOM_THROW_UNLESS(rank_units <= kMostForwardUnits * fewest);
  PIPELOOM_THROW_UNLESS(shape.nodes * shape.streams <= kMostForwardUnits * roles.forward);
}

int64_t ring_bytes(const ForwardShape& shape) {
  return (shape.node_rings() + shape.rank_rings()) * shape.ring_rows * shape.width * static_cast<int64_t>(sizeof(Bf16));
}

// How many rows each ring's writer has written, and its reader has read.
int64_t counters_size(const ForwardShape& shape) {
  return 2 * (shape.node_rings() + shape.rank_rings());
}

}  // namespace pipeloom::backend
