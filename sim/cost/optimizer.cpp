#include "sim/cost/optimizer.h"

#include <algorithm>

#include "sim/cost/groups.h"
#include "sim/cost/rounding.h"

namespace pipeloom::sim {

namespace {

// Reads and writes of a fused Adam step with FP32 gradients and master weights, per parameter (docs/research/costs.md,
// section 7): gradient, weight and both moments, the last three twice. FP16 gradients are read and widened before.
double update_bytes(const Job& job) {
  const double widened = job.precision == Precision::kFp16 ? 6 : 0;
  return 12 + 4 * row_bytes(formats_of(job).moments, 1) + widened;
}

}  // namespace

double replica_ring_seconds(const Job& job, const StageParameters& parameters, int copies, double bytes_per_parameter) {
  const auto over = [&](int64_t count, const Group& group) {
    return ring_seconds(static_cast<double>(count) * bytes_per_parameter, group, *job.cluster);
  };
  return over(parameters.dense + parameters.ends, dense_replicas(job.layout, *job.cluster, copies)) +
         over(parameters.routed, expert_replicas(job.layout, *job.cluster, copies));
}

double updated_parameters(const Job& job, const StageParameters& parameters, int copies) {
  const auto own = [&](int64_t count, const Group& replicas) {
    return static_cast<double>(count) / static_cast<double>(job.zero_stage > 0 ? replicas.members : 1);
  };
  return own(parameters.dense + parameters.ends, dense_replicas(job.layout, *job.cluster, copies)) +
         own(parameters.routed, expert_replicas(job.layout, *job.cluster, copies));
}

// Without ZeRO an all-reduce; with it a reduce-scatter, each layer's in every W from stage 3 on (layer_transfers).
int64_t gradient_reduction_ns(const Job& job, const StageParameters& parameters, int copies) {
  if (job.zero_stage == 3 && copies == 1) return 0;
  const double rings = job.zero_stage == 0 ? 2 : 1;
  return rounded_ns(rings * replica_ring_seconds(job, parameters, copies, gradient_bytes(job.precision)) /
                    job.cluster->gpu.rates.gradient_ring_efficiency);
}

int64_t optimizer_ns(const Job& job, const StageParameters& parameters, int copies) {
  constexpr double kGatheredBytes = 2;  // BF16
  const Gpu& gpu = job.cluster->gpu;
  const double updated = updated_parameters(job, parameters, copies);
  double seconds = updated * update_bytes(job) / (gpu.memory_bytes_per_s * gpu.rates.memory_efficiency);
  if (job.offload.optimizer) {  // gradients to the host, weights back; its update is taken to keep up
    seconds = updated * std::max(gradient_bytes(job.precision), kGatheredBytes) / gpu.host_bytes_per_s;
  }
  const bool gathered_here = job.zero_stage == 1 || job.zero_stage == 2;
  if (gathered_here) seconds += replica_ring_seconds(job, parameters, copies, kGatheredBytes);
  return rounded_ns(seconds);
}

// The FP32 weights go to the host, whose own work is taken to keep up.
int64_t ema_ns(const Job& job, const StageParameters& parameters, int copies) {
  return rounded_ns(updated_parameters(job, parameters, copies) * sizeof(float) / job.cluster->gpu.host_bytes_per_s);
}

int64_t norm_ns(const Job& job) {
  if (job.clipping == Clipping::kNone) return 0;
  const Group all{int64_t{job.layout.pipeline} * job.layout.data * job.layout.context * job.layout.tensor,
                  job.cluster->gpus_per_domain()};
  return rounded_ns(all_reduce_seconds(sizeof(float), all, *job.cluster));
}

}  // namespace pipeloom::sim
