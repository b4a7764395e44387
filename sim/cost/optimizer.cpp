#include "sim/cost/optimizer.h"

#include "sim/cost/pass_time.h"
#include "sim/cost/rounding.h"

namespace pipeloom {

namespace {

// Reads and writes of a fused Adam step with FP32 gradients and master weights, per parameter (docs/costs.md,
// section 7).
constexpr double kUpdateBytes = 28;

// GPUs of one pipeline rank are neighbours; copies of a stage are on other ranks.
double ring_bytes_per_s(const Job& job, int copies) {
  const Cluster& cluster = *job.cluster;
  const int64_t neighbours = int64_t{job.layout.replicas()} * (copies > 1 ? job.layout.pipeline : 1);
  return neighbours <= cluster.gpus_per_node ? cluster.gpu.nvlink_bytes_per_s
                                             : cluster.nic_bytes_per_s * kNicEfficiency;
}

// A ring moves (n-1)/n of the bytes through each GPU once: a reduce-scatter or an all-gather.
double ring_seconds(const Job& job, const StageParameters& parameters, int copies, double bytes_per_parameter) {
  const Replication replicas = replication(job.layout, copies);
  const auto moved = [](int64_t count, int64_t members) {
    return static_cast<double>(count) * static_cast<double>(members - 1) / static_cast<double>(members);
  };
  const double numbers =
      moved(parameters.dense + parameters.ends, replicas.dense) + moved(parameters.routed, replicas.routed);
  if (numbers == 0) return 0;  // alone; its links may have no rate
  return numbers * bytes_per_parameter / ring_bytes_per_s(job, copies);
}

}  // namespace

int64_t gradient_reduction_ns(const Job& job, const StageParameters& parameters, int copies) {
  const double gradient_bytes = job.precision == Precision::kFp16 ? 2 : 4;
  const double rings = job.zero_stage == 0 ? 2 : 1;
  return rounded_ns(rings * ring_seconds(job, parameters, copies, gradient_bytes));
}

int64_t optimizer_ns(const Job& job, const StageParameters& parameters, int copies) {
  constexpr double kGatheredBytes = 2;  // BF16
  const Replication replicas = replication(job.layout, copies);
  const bool sharded = job.zero_stage > 0;
  const auto own = [&](int64_t count, int64_t shards) {
    return static_cast<double>(count) / static_cast<double>(sharded ? shards : 1);
  };
  const double updated =
      own(parameters.dense + parameters.ends, replicas.dense) + own(parameters.routed, replicas.routed);
  const double update_seconds = updated * kUpdateBytes / (job.cluster->gpu.memory_bytes_per_s * kHbmEfficiency);
  const double gather_seconds = sharded ? ring_seconds(job, parameters, copies, kGatheredBytes) : 0;
  return rounded_ns(update_seconds + gather_seconds);
}

}  // namespace pipeloom
