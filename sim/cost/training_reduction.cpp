#include "sim/cost/training_reduction.h"

#include <algorithm>

#include "sim/cost/optimizer.h"
#include "sim/cost/rounding.h"

namespace pipeloom::sim {

namespace {

constexpr double kStepSeconds = 0.01;      // logging, the learning rate, the norm of gradients
constexpr double kCollectiveShare = 0.94;  // of the links' rate that rings of reductions reach (0.75 of 0.8 of NVLink)
constexpr double kHiding = 0.8;            // of a pass hides what runs beside it
constexpr double kContention = 0.05;       // of what is hidden slows the pass

// Exposed seconds of a transfer beside a pass.
double exposed(double seconds, bool overlapped, double beside) {
  if (!overlapped) return seconds;
  const double hidden = std::min(seconds, kHiding * beside);
  return seconds - hidden + kContention * hidden;
}

double ring_of_replicas(const Job& job, const StageParameters& parameters, int copies, double bytes) {
  const double share =
      kCollectiveShare * job.cluster->gpu.rates.gradient_ring_efficiency * job.software->rates.replica_ring_share;
  return replica_ring_seconds(job, parameters, copies, bytes) / share;
}

double gradient_width(const Software& software) {
  return software.gradients == Format::kFp32 ? 4 : 2;
}

double gathered_width(const Software& software) {
  if (software.gathered != Format::kFp8) return 2;
  return software.recipe == ProductRecipe::kNvfp4 ? 0.5 : 1;
}

// Of what one GPU updates, Adam with FP32 states reads gradient, weight and two moments and writes the last three: 28
// bytes, or 18 with gradient and moments in BF16. 6 more stand for what surrounds it (inferred). Of all
// that it holds, every gradient is scaled, and every weight written in 16 bits.
double update_seconds(const Job& job, const StageParameters& parameters, int copies) {
  constexpr double kMemoryShare = 0.6;
  constexpr double kOtherBytes = 6;
  const Software& software = *job.software;
  const double owned = updated_parameters(job, parameters, copies);
  const auto held = static_cast<double>(parameters.dense + parameters.ends + parameters.routed);
  const double owned_bytes = (software.low_precision_states ? 18 : 28) + kOtherBytes;
  const double held_bytes = 2 * gradient_width(software) + 2;
  const double bytes = owned * owned_bytes + (job.zero_stage == 3 ? owned : held) * held_bytes;
  return bytes / (kMemoryShare * job.cluster->gpu.memory_bytes_per_s);
}

}  // namespace

TrainingEnd training_end(const Job& job, const StageParameters& parameters, int copies, const PassTimes& passes) {
  const Software& software = *job.software;
  const double backward = static_cast<double>(passes.input_ns + passes.weight_ns) / 1e9;
  const double forward = static_cast<double>(passes.forward_ns) / 1e9;
  double reduction = 0;
  double gathering = 0;
  if (job.zero_stage < 3) {  // from stage 3 on both are part of every pass
    const double rings = job.zero_stage == 0 ? 2 : 1;
    reduction = exposed(rings * ring_of_replicas(job, parameters, copies, gradient_width(software)),
                        software.overlap_gradients, backward);
    if (job.zero_stage > 0) {
      gathering = exposed(ring_of_replicas(job, parameters, copies, gathered_width(software)), software.overlap_weights,
                          forward);
    }
  }
  return {rounded_ns(reduction), rounded_ns(update_seconds(job, parameters, copies) + gathering + kStepSeconds)};
}

}  // namespace pipeloom::sim
