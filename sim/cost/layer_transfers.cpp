#include "sim/cost/layer_transfers.h"

#include <algorithm>

#include "sim/cost/groups.h"
#include "sim/cost/memory_model.h"
#include "sim/cost/parameter_count.h"

namespace pipeloom::sim {

namespace {

// Seconds in which the layer's weights pass through each GPU's ring once, at so many bytes each.
double weights_seconds(const Job& job, const LayerParameters& parameters, double bytes_per_parameter) {
  const Layout& layout = job.layout;
  const Cluster& cluster = *job.cluster;
  const double dense = static_cast<double>(parameters.dense) / layout.tensor;
  const double routed = static_cast<double>(parameters.routed) / layout.expert;
  return ring_seconds(dense * bytes_per_parameter, dense_replicas(layout, cluster, 1), cluster) +
         ring_seconds(routed * bytes_per_parameter, expert_replicas(layout, cluster, 1), cluster);
}

}  // namespace

LayerTransfers layer_transfers(const Job& job, int kind) {
  constexpr double kGatheredBytes = 2;
  LayerTransfers transfers;
  if (job.zero_stage == 3) {
    const LayerParameters parameters = layer_parameters(*job.model, kind);
    const double gathered = weights_seconds(job, parameters, kGatheredBytes);
    transfers = {gathered, gathered, weights_seconds(job, parameters, gradient_bytes(job.precision))};
  }
  if (job.offload.activations > 0) {
    const auto bytes = static_cast<double>(layer_activation_bytes(job, kind));
    const double moved = bytes * job.offload.activations / job.cluster->gpu.host_bytes_per_s;
    transfers.forward_seconds = std::max(transfers.forward_seconds, moved);
    transfers.input_seconds = std::max(transfers.input_seconds, moved);
  }
  return transfers;
}

}  // namespace pipeloom::sim
