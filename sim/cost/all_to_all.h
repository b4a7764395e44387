#pragma once

#include "core/job/cluster.h"

namespace pipeloom::sim {

// What one GPU sends in an all-to-all.
struct AllToAll {
  double nic_bytes = 0;
  double nvlink_bytes = 0;
  double token_bytes = 0;
};

// What so many SMs copy, over all stages, in pieces of so many tokens: by the GPU's curves, with lines over the
// logarithm of the SMs between them (below the first as much per SM as there, above the last no more); or the same for
// each SM and piece, where nothing was measured.
double all_to_all_bytes_per_s(const KernelRates& rates, int sms, double piece_tokens);

// Seconds of the payload on the cluster's comm_sms, in pieces of comm_piece_tokens; 0 where nothing is sent.
// Three stages work at the same time (dispatch: NIC send, NIC to NVLink forward, NVLink receive; combine: the reverse):
// the slowest of NIC, NVLink and SMs decides. The warps of the SMs are shared among the stages by load, so the SMs copy
// the bytes of all three at their common rate. Small pieces cost an overhead each, large ones fill the pipeline late.
double all_to_all_payload_seconds(const AllToAll& transfer, const Cluster& cluster);

}  // namespace pipeloom::sim
