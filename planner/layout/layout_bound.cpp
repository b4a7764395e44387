#include "planner/layout/layout_bound.h"

#include <algorithm>

#include "sim/cost/layer_costs.h"
#include "sim/cost/memory_model.h"

namespace pipeloom::planner {

namespace {

// The least time for which one micro-batch of some layers keeps a rank busy.
struct Busy {
  int64_t compute_ns = 0;
  int64_t communication_ns = 0;
  int64_t alone_ns = 0;  // if no pair overlaps: F's and I's components are chains

  int64_t overlapped_ns() const { return std::max(compute_ns, communication_ns); }
  Busy& operator+=(const Busy& other) {
    compute_ns += other.compute_ns;
    communication_ns += other.communication_ns;
    alone_ns += other.alone_ns;
    return *this;
  }
};

Busy busy_of(const StageProgram& program) {
  Busy busy;
  int64_t input_communication_ns = 0;
  int64_t weight_ns = 0;
  for (const ComponentCost& part : program) {
    const int64_t all_ns = part.forward_ns + part.input_ns + part.weight_ns;
    (part.lane == Lane::kEp ? busy.communication_ns : busy.compute_ns) += all_ns;
    if (part.lane == Lane::kEp) input_communication_ns += part.input_ns;
    weight_ns += part.weight_ns;
    busy.alone_ns += part.forward_ns + part.input_ns;
  }
  // In a B alone, W's run beside all-to-all.
  busy.alone_ns += std::max<int64_t>(0, weight_ns - input_communication_ns);
  return busy;
}

int64_t per_rank(int64_t whole, int ranks) {
  return whole / ranks;
}

}  // namespace

LayoutBound layout_bound(const Job& job) {
  const int ranks = job.layout.pipeline;
  const sim::LayerCosts costs = sim::layer_costs(job, {job.cluster->compute_sms()});
  Busy whole = busy_of(costs.first);
  whole += busy_of(costs.last);
  Busy least;
  for (const StageProgram& layer : costs.layers) {
    const Busy busy = busy_of(layer);
    const bool first = &layer == &costs.layers.front();
    const auto keep_less = [&](int64_t Busy::*part) {
      least.*part = first ? busy.*part : std::min(least.*part, busy.*part);
    };
    keep_less(&Busy::compute_ns);
    keep_less(&Busy::communication_ns);
    keep_less(&Busy::alone_ns);
    whole += busy;
  }
  // With this many pipes, some rank holds at least this many layers, and each pipe takes its share of the
  // micro-batches. With fewer pipes a rank has at least as much to do.
  const int64_t pipes = 2 * job.schedule.pipe_pairs;
  const int64_t most_layers = (pipes * job.model->layers + ranks - 1) / ranks;
  const auto step_ns = [&](int64_t whole_ns, int64_t layer_ns) {
    return std::max(per_rank(whole_ns * job.micro_batches, ranks),
                    layer_ns * most_layers * (job.micro_batches / pipes));
  };
  LayoutBound bound;
  bound.step_ns = step_ns(whole.overlapped_ns(), least.overlapped_ns());
  bound.step_alone_ns = step_ns(whole.alone_ns, least.alone_ns);
  const sim::StageSpan model = {0, job.model->layers, true, true};
  const sim::StageParameters parameters = sim::stage_parameters(job, model, true);
  const int64_t other =
      per_rank(sim::stage_activation(job, model).total, ranks) + sim::memory_reserve(job).total_bytes();
  for (int copies = 1; copies <= 2; ++copies) {
    bound.bytes[copies - 1] = per_rank(copies * sim::stage_state(job, parameters, copies).total_bytes(), ranks) + other;
  }
  return bound;
}

}  // namespace pipeloom::planner
