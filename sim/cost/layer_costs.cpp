#include "sim/cost/layer_costs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/base/check.h"
#include "sim/cost/layer_transfers.h"
#include "sim/cost/parameter_count.h"
#include "sim/cost/pass_time.h"
#include "sim/cost/pass_work.h"
#include "sim/cost/rounding.h"
#include "sim/cost/training_layer.h"

namespace pipeloom::sim {

namespace {

class Clock {
 public:
  Clock(const Job& job, const ComputeSetting& setting) : job_(job), setting_(setting) {}

  ComponentCost time(const ComponentWork& work) const {
    return {work.layer, work.component, work.lane, pass(work.forward), pass(work.input), pass(work.weight)};
  }

  // A layer's components and, in front of them, what they wait for besides.
  StageProgram time(const std::vector<ComponentWork>& works, const LayerTransfers& transfers) const {
    const int layer = works.front().layer;
    ComponentCost wait = {layer, Component::kWait, Lane::kCompute, 0, 0, 0};
    wait.forward_ns = wait_ns(works, &ComponentWork::forward, transfers.forward_seconds);
    wait.input_ns = wait_ns(works, &ComponentWork::input, transfers.input_seconds);
    wait.weight_ns = wait_ns(works, &ComponentWork::weight, transfers.weight_seconds);
    StageProgram program;
    // Whether it is there does not depend on the setting, so that programs of several settings have the same places.
    if (job_.cluster->gpu.rates.host_us_per_kernel > 0 || !transfers.empty()) program.push_back(wait);
    for (const ComponentWork& work : works) program.push_back(time(work));
    return program;
  }

 private:
  ComputeTime compute(const PassWork& work) const { return compute_time(work, *job_.cluster, job_.layout, setting_); }
  int64_t pass(const PassWork& work) const {
    return rounded_ns(compute(work).seconds + all_to_all_seconds(work.all_to_all, *job_.cluster));
  }

  // A layer's pass lasts as long as the slowest of its kernels, of the host that launches them and of what moves beside
  // them.
  int64_t wait_ns(const std::vector<ComponentWork>& works, PassWork ComponentWork::*pass, double transfer) const {
    ComputeTime sum;
    for (const ComponentWork& work : works) {
      const ComputeTime time = compute(work.*pass);
      sum.seconds += time.seconds;
      sum.host_seconds += time.host_seconds;
    }
    return rounded_ns(std::max({sum.seconds, sum.host_seconds, transfer}) - sum.seconds);
  }

  const Job& job_;
  ComputeSetting setting_;
};

// Every layer of a kind costs the same: it is worked out once and labelled for each.
StageProgram labelled(StageProgram program, int layer) {
  for (ComponentCost& part : program) part.layer = layer;
  return program;
}

// How many times longer than on average the fullest GPU takes: the others wait for it.
double fullest_gpu(const ExpertLoad& load, const Layout& layout) {
  const size_t held = load.tokens.size() / layout.expert;
  int64_t most = 0;
  int64_t all = 0;
  for (size_t first = 0; first < load.tokens.size(); first += held) {
    const auto begin = load.tokens.begin() + static_cast<std::ptrdiff_t>(first);
    const int64_t tokens = std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(held), int64_t{0});
    most = std::max(most, tokens);
    all += tokens;
  }
  return static_cast<double>(most) * layout.expert / static_cast<double>(all);
}

// Experts and their all-to-all take what they would take were all GPUs as full as the fullest.
void fill_experts(const Job& job, LayerCosts& costs) {
  for (const ExpertLoad& load : job.expert_loads) {
    const double factor = fullest_gpu(load, job.layout);
    const bool is_mtp = load.layer >= job.model->layers;
    for (ComponentCost& part : is_mtp ? costs.last : costs.layers[load.layer]) {
      const bool experts = part.component == Component::kExperts || part.lane == Lane::kEp;
      if (!experts || part.layer != load.layer) continue;
      for (int64_t* ns : {&part.forward_ns, &part.input_ns, &part.weight_ns}) {
        *ns = std::llround(static_cast<double>(*ns) * factor);
      }
    }
  }
}

// By the GPU's kernel rates: of a job without software.
LayerCosts kernel_costs(const Job& job, const ComputeSetting& setting) {
  const Model& model = *job.model;
  const WorkShape shape = make_work_shape(job);
  const Clock clock(job, setting);
  std::array<StageProgram, 2> of_kind;  // [is MoE]
  const auto layer_of_kind = [&](int kind, int layer) {
    StageProgram& program = of_kind[model.is_moe_layer(kind) ? 1 : 0];
    if (program.empty()) program = clock.time(layer_work(model, shape, kind, layer), layer_transfers(job, kind));
    return labelled(program, layer);
  };

  LayerCosts costs;
  costs.first = {clock.time(embed_work(model, shape))};
  for (int layer = 0; layer < model.layers; ++layer) costs.layers.push_back(layer_of_kind(layer, layer));
  costs.last = {clock.time(head_work(model, shape, model.layers))};
  for (int module = 0; module < model.mtp_depth; ++module) {
    const int layer = model.layers + 1 + module;
    costs.last.push_back(clock.time(mtp_embed_work(model, shape, layer)));
    const StageProgram body = layer_of_kind(mtp_layer(model), layer);
    costs.last.insert(costs.last.end(), body.begin(), body.end());
    costs.last.push_back(clock.time(head_work(model, shape, layer)));
  }
  return costs;
}

LayerCosts computed_costs(const Job& job, const ComputeSetting& setting) {
  LayerCosts costs = job.software ? training_costs(job, setting) : kernel_costs(job, setting);
  fill_experts(job, costs);
  return costs;
}

// Scales one pass of a layer so that it lasts `target_ns` to the nanosecond: the longest component takes what rounding
// leaves.
void scale_pass(StageProgram& program, int64_t ComponentCost::*pass, double factor, int64_t target_ns) {
  int64_t left = target_ns;
  ComponentCost* longest = &program.front();
  for (ComponentCost& part : program) {
    part.*pass = std::llround(static_cast<double>(part.*pass) * factor);
    left -= part.*pass;
    if (part.*pass > longest->*pass) longest = &part;
  }
  longest->*pass += left;
}

void apply_measured(StageProgram& program, const PassTimes& alone, const MeasuredLayer& measured) {
  const PassTimes now = sum_of(program);
  const auto apply = [&](int64_t ComponentCost::*pass, int64_t now_ns, int64_t alone_ns, int64_t measured_ns) {
    if (alone_ns == 0) {  // the embedding has no I
      program.front().*pass = measured_ns;
      return;
    }
    const double factor = static_cast<double>(measured_ns) / static_cast<double>(alone_ns);
    scale_pass(program, pass, factor, std::llround(static_cast<double>(now_ns) * factor));
  };
  apply(&ComponentCost::forward_ns, now.forward_ns, alone.forward_ns, measured.f_ns);
  apply(&ComponentCost::input_ns, now.input_ns, alone.input_ns, measured.i_ns);
  apply(&ComponentCost::weight_ns, now.weight_ns, alone.weight_ns, measured.w_ns);
}

// Of `component`, or of all; the rest of the program stays.
void apply_to_component(StageProgram& program, const StageProgram& alone, const MeasuredLayer& measured) {
  if (measured.component == Component::kStage) return apply_measured(program, sum_of(alone), measured);
  StageProgram parts;
  StageProgram parts_alone;
  for (size_t i = 0; i < program.size(); ++i) {
    if (program[i].component != measured.component) continue;
    parts.push_back(program[i]);
    parts_alone.push_back(alone[i]);
  }
  if (parts.empty()) return;
  apply_measured(parts, sum_of(parts_alone), measured);
  auto next = parts.begin();
  for (ComponentCost& part : program) {
    if (part.component == measured.component) part = *next++;
  }
}

// The head alone: what follows it are MTP modules.
void apply_head(StageProgram& last, const StageProgram& alone, const MeasuredLayer& measured) {
  StageProgram head = {last.front()};
  apply_measured(head, sum_of({alone.front()}), measured);
  last.front() = head.front();
}

}  // namespace

PassTimes sum_of(const StageProgram& program) {
  PassTimes sum;
  for (const ComponentCost& part : program) {
    sum.forward_ns += part.forward_ns;
    sum.input_ns += part.input_ns;
    sum.weight_ns += part.weight_ns;
  }
  return sum;
}

LayerCosts layer_costs(const Job& job, const ComputeSetting& setting) {
  LayerCosts costs = computed_costs(job, setting);
  if (job.measured_layers.empty()) return costs;
  const LayerCosts alone = computed_costs(job, {job.cluster->compute_sms()});
  for (const MeasuredLayer& measured : job.measured_layers) {
    if (measured.layer < 0) {
      apply_to_component(costs.first, alone.first, measured);
    } else if (measured.layer == job.model->layers) {
      apply_head(costs.last, alone.last, measured);
    } else {
      apply_to_component(costs.layers[measured.layer], alone.layers[measured.layer], measured);
    }
  }
  return costs;
}

StageProgram stage_program(const LayerCosts& costs, const StageSpan& span) {
  StageProgram program;
  const auto append = [&](const StageProgram& part) { program.insert(program.end(), part.begin(), part.end()); };
  if (span.is_first) append(costs.first);
  for (int layer = span.first_layer; layer < span.end_layer(); ++layer) append(costs.layers[layer]);
  if (span.is_last) append(costs.last);
  // A stage without layers hands its input on.
  if (program.empty()) program.push_back({span.first_layer, Component::kStage, Lane::kCompute, 0, 0, 0});
  return program;
}

LayerWeights layer_weights(const Job& job, WeightBasis basis) {
  const Cluster& cluster = *job.cluster;
  const bool overlapped = basis == WeightBasis::kOverlapped;
  const LayerCosts costs = layer_costs(job, {overlapped ? cluster.gpu.sms - cluster.comm_sms : cluster.compute_sms()});
  const auto weight_ns = [&](const StageProgram& program) {
    int64_t lanes_ns[2] = {0, 0};  // [compute, all-to-all]
    for (const ComponentCost& part : program) {
      lanes_ns[part.lane == Lane::kEp ? 1 : 0] += part.forward_ns + part.input_ns + part.weight_ns;
    }
    return overlapped ? std::max(lanes_ns[0], lanes_ns[1]) : lanes_ns[0] + lanes_ns[1];
  };
  LayerWeights weights;
  for (const StageProgram& layer : costs.layers) weights.layers_ns.push_back(weight_ns(layer));
  weights.first_extra_ns = weight_ns(costs.first);
  weights.last_extra_ns = weight_ns(costs.last);
  return weights;
}

}  // namespace pipeloom::sim
