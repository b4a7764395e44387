#include "sim/robust/step_sampler.h"

#include <algorithm>
#include <cmath>

#include "core/costs/slot_times.h"
#include "sim/engine/step_end.h"

namespace pipeloom::sim {

namespace {

// A time before every start, and far enough from INT64_MIN that needs can be subtracted.
constexpr int64_t kLongAgo = INT64_MIN / 2;

// True for work that grows with the tokens of the fullest GPU: products of experts, and their all-to-all.
bool of_experts(const ComponentCost& part) {
  return part.component == Component::kExperts || part.component == Component::kDispatch ||
         part.component == Component::kCombine;
}

// Work of components: its sum, the sum of its squares, and the part of experts.
struct WorkSum {
  double ns = 0;
  double squares = 0;
  double experts_ns = 0;

  void add(const ComponentCost& part, int64_t duration_ns) {
    const auto duration = static_cast<double>(duration_ns);
    ns += duration;
    squares += duration * duration;
    if (of_experts(part)) experts_ns += duration;
  }
};

WorkSum forward_work(const StageProgram& program) {
  WorkSum work;
  for (const ComponentCost& part : program) work.add(part, part.forward_ns);
  return work;
}

WorkSum backward_work(const StageProgram& program, SlotKind kind) {
  WorkSum work;
  for (const ComponentCost& part : program) {
    if (kind != SlotKind::kW) work.add(part, part.input_ns);
    if (kind != SlotKind::kI) work.add(part, part.weight_ns);
  }
  return work;
}

// Turns messages into delays: latency plus the time for which they occupy their link.
Result<ScheduleCosts> delayed_costs(const ScheduleCosts& costs) {
  ScheduleCosts::Input input = costs.input();
  for (LinkCost& link : input.links) link = {link.latency_ns + costs.occupancy_ns(link, 0), 0};
  return ScheduleCosts::create(costs.stages(), costs.ranks(), std::move(input));
}

int64_t scaled(int64_t ns, double factor) {
  return std::llround(static_cast<double>(ns) * factor);
}

}  // namespace

Result<StepSampler> StepSampler::create(const Job& job, const Schedule& schedule, const StepCosts& costs) {
  PIPELOOM_TRY(const ScheduleCosts delayed, delayed_costs(costs.schedule));
  PIPELOOM_TRY(Steps steps, Steps::create(schedule, delayed));
  return StepSampler(job, schedule, costs, std::move(steps));
}

StepSampler::StepSampler(const Job& job, const Schedule& schedule, const StepCosts& costs, Steps steps)
    : schedule_(&schedule),
      costs_(&costs),
      steps_(std::move(steps)),
      variation_(job.variation),
      clipping_(job.clipping),
      expert_gpus_(job.layout.expert) {
  add_stages();
  add_slots();
}

void StepSampler::add_stages() {
  expert_layers_.resize(schedule_->stages());
  for (int stage = 0; stage < schedule_->stages(); ++stage) {
    std::vector<ExpertLayer>& layers = expert_layers_[stage];
    double sum_ns = 0;
    for (const ComponentCost& part : costs_->programs[stage]) {
      if (!of_experts(part)) continue;
      const auto ns = static_cast<double>(part.forward_ns + part.input_ns + part.weight_ns);
      if (layers.empty() || layers.back().layer != part.layer) layers.push_back({part.layer, 0});
      layers.back().weight += ns;
      sum_ns += ns;
    }
    for (ExpertLayer& layer : layers) layer.weight /= std::max(sum_ns, 1.0);
  }
}

StepSampler::Kind StepSampler::kind_of(const Slot& slot) const {
  WorkSum forward;
  WorkSum backward;
  if (slot.has_forward()) forward = forward_work(costs_->programs[slot.stage]);
  if (slot.kind != SlotKind::kF)
    backward = backward_work(costs_->programs[slot.backward_pass_stage()], slot.backward_kind());
  const double ns = std::max(forward.ns + backward.ns, 1.0);
  return {Scatter(variation_.jitter * std::sqrt(forward.squares + backward.squares) / ns), forward.experts_ns / ns,
          backward.experts_ns / ns};
}

void StepSampler::add_slots() {
  const auto order = schedule_->topological_order();
  const auto steps = steps_.steps();
  uint32_t kinds = 0;
  for (const Step& step : steps) kinds = std::max(kinds, step.cost + 1);
  kinds_.resize(kinds);
  std::vector<uint8_t> known(kinds, 0);
  for (size_t i = 0; i < steps.size(); ++i) {
    const Slot& slot = schedule_->slots()[order[i]];
    const uint32_t cost = steps[i].cost;
    if (known[cost] == 0) kinds_[cost] = kind_of(slot);
    known[cost] = 1;
    const StepCost& planned = steps_.cost(steps[i]);
    planned_.push_back(
        {planned.duration_ns, planned.forward_need_ns, planned.backward_need_ns, planned.out_ns, planned.pair_out_ns});
    const SlotTimes times = slot_times(costs_->schedule, slot);
    const bool backward_alone = slot.has_input_backward() && !slot.has_forward();
    latency_ns_.push_back(planned.out_ns - times.ready_ns[backward_alone ? 1 : 0]);
    pair_latency_ns_.push_back(slot.is_pair() ? planned.pair_out_ns - times.ready_ns[1] : 0);
    // A pass draws the same numbers in every schedule, so that schedules meet the same luck.
    drawn_.push_back({draw_key(static_cast<uint64_t>(slot.kind), slot.stage, slot.micro_batch),
                      schedule_->cell(slot.stage, slot.micro_batch),
                      schedule_->cell(slot.backward_pass_stage(), slot.backward_pass_micro_batch()),
                      slot.has_weight_backward() ? static_cast<uint16_t>(slot.backward_pass_stage()) : kNoStage});
  }
}

void StepSampler::draw(uint64_t seed, uint64_t step, Buffers& buffers) const {
  const StepDraws draws(variation_, seed, step);
  buffers.rank_factor.resize(ranks());
  for (int rank = 0; rank < ranks(); ++rank) buffers.rank_factor[rank] = draws.rank_factor(rank);
  buffers.imbalance.assign(static_cast<size_t>(schedule_->stages()) * schedule_->micro_batches(), 0);
  if (variation_.expert_imbalance > 0) {
    for (int stage = 0; stage < schedule_->stages(); ++stage) {
      for (int m = 0; m < schedule_->micro_batches(); ++m) {
        double longer = 0;
        for (const ExpertLayer& layer : expert_layers_[stage]) {
          longer += layer.weight * (draws.expert_factor(layer.layer, m, expert_gpus_) - 1);
        }
        buffers.imbalance[schedule_->cell(stage, m)] = longer;
      }
    }
  }
  buffers.drawn.resize(planned_.size());
  for (size_t i = 0; i < planned_.size(); ++i) {
    const Step& at = steps_.steps()[i];
    const Kind& kind = kinds_[at.cost];
    double factor = buffers.rank_factor[at.rank];
    if (variation_.jitter > 0) factor *= draws.jitter_factor(drawn_[i].key, kind.jitter);
    factor *= 1 + kind.forward_experts * buffers.imbalance[drawn_[i].forward_cell] +
              kind.backward_experts * buffers.imbalance[drawn_[i].backward_cell];
    const Times& planned = planned_[i];
    buffers.drawn[i] = {scaled(planned.duration_ns, factor), scaled(planned.forward_need_ns, factor),
                        scaled(planned.backward_need_ns, factor),
                        scaled(planned.out_ns - latency_ns_[i], factor) + latency_ns_[i],
                        scaled(planned.pair_out_ns - pair_latency_ns_[i], factor) + pair_latency_ns_[i]};
  }
}

int64_t StepSampler::sweep(Buffers& buffers, const Times* drawn, int as_planned) const {
  buffers.outputs_ns.resize(steps_.outputs());
  buffers.outputs_ns[steps_.nothing()] = kLongAgo;
  buffers.lane_free_ns.assign(ranks(), 0);
  buffers.gradients_ready_ns.assign(schedule_->stages(), 0);
  int64_t* const outputs = buffers.outputs_ns.data();
  int64_t* pair_output = outputs + steps_.first_pair_output();
  const auto steps = steps_.steps();
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    const Times& times = static_cast<int>(step.rank) == as_planned ? planned_[i] : drawn[i];
    int64_t& lane_free = buffers.lane_free_ns[step.rank];
    const int64_t start = std::max({lane_free, outputs[step.forward_from] - times.forward_need_ns,
                                    outputs[step.backward_from] - times.backward_need_ns});
    lane_free = start + times.duration_ns;
    outputs[i] = start + times.out_ns;
    if (steps_.is_pair(step)) *pair_output++ = start + times.pair_out_ns;
    if (const uint16_t stage = drawn_[i].weight_stage; stage != kNoStage) {
      buffers.gradients_ready_ns[stage] = std::max(buffers.gradients_ready_ns[stage], lane_free);
    }
  }
  return step_end(schedule_->placement(), buffers.gradients_ready_ns, buffers.lane_free_ns, *costs_, clipping_).step_ns;
}

int64_t StepSampler::step_ns(Buffers& buffers, int as_planned) const {
  return sweep(buffers, buffers.drawn.data(), as_planned);
}

int64_t StepSampler::planned_ns() const {
  Buffers buffers;
  return sweep(buffers, planned_.data(), kNoRank);
}

}  // namespace pipeloom::sim
