#pragma once

#include "core/job/cluster.h"

namespace pipeloom::sim {

// What the cluster's comm_sms copy of a message between ranks that share its GPU (all SMs of a rank where none only
// communicate): by the GPU's curves, with lines over the logarithms of SMs and bytes between what was measured (below
// the fewest SMs as much per SM as there, above the most no more). Where nothing was measured, what SMs copy in an
// all-to-all. One message at a time: ranks that hand over at once share the memory's bandwidth, which this leaves out.
// REQUIRES: a shared GPU; message_bytes > 0.
double hand_over_bytes_per_s(const Cluster& cluster, int64_t message_bytes);

// How it is copied fastest: as was the measured message nearest in size, of the curve with the most SMs that are no
// more than comm_sms (of the first, where all have more). Where nothing was measured, with the pieces of the all-to-all
// of tokens of so many bytes. REQUIRES: a shared GPU; message_bytes > 0.
HandOverCopy fastest_hand_over(const Cluster& cluster, int64_t message_bytes, int64_t token_bytes);

}  // namespace pipeloom::sim
