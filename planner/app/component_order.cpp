#include "planner/app/component_order.h"

#include <algorithm>

#include "core/tasks/slot_components.h"
#include "sim/cost/overlap_costs.h"

namespace pipeloom::planner {

Result<ComponentOrder> ComponentOrder::of_slot(const Subject& subject, uint32_t slot) {
  const Slot& content = subject.evaluation.schedule.slots()[slot];
  const StepCosts& costs = subject.evaluation.costs;
  const SlotProgram* program = overlap_program(content, costs);
  if (program == nullptr) return unsupported("only B and overlapped pairs with all-to-all have an order to change");
  return ComponentOrder(*program, costs.programs[content.stage], costs.programs[content.backward_pass_stage()]);
}

const ComponentCost& ComponentOrder::cost(const SlotStep& step) const {
  return (step.pass == SlotKind::kF ? forward_ : backward_)[step.component];
}

SlotProgram ComponentOrder::moved(size_t position, size_t to) const {
  SlotProgram program = program_;
  const auto from = program.begin() + static_cast<ptrdiff_t>(position);
  const auto place = program.begin() + static_cast<ptrdiff_t>(to);
  if (to < position) {
    std::rotate(place, from, from + 1);
  } else if (to > position) {
    std::rotate(from, from + 1, place + 1);
  }
  return program;
}

bool ComponentOrder::keeps_order(const SlotProgram& program) const {
  const auto chain = [](const SlotProgram& steps, SlotKind pass) {
    std::vector<uint16_t> components;
    for (const SlotStep& step : steps) {
      if (step.pass == pass) components.push_back(step.component);
    }
    return components;
  };
  for (const SlotKind pass : {SlotKind::kF, SlotKind::kI}) {
    if (chain(program, pass) != chain(program_, pass)) return false;
  }
  std::vector<bool> has_input(backward_.size(), false);
  for (const SlotStep& step : program) {
    if (step.pass == SlotKind::kI) has_input[step.component] = true;
    if (step.pass == SlotKind::kW && !has_input[step.component]) return false;
  }
  return true;
}

bool ComponentOrder::changes_lane(const SlotProgram& program) const {
  const auto lane = [this](const SlotProgram& steps, bool communication) {
    SlotProgram on_lane;
    for (const SlotStep& step : steps) {
      if (is_communication(step) == communication) on_lane.push_back(step);
    }
    return on_lane;
  };
  return lane(program, false) != lane(program_, false) || lane(program, true) != lane(program_, true);
}

std::vector<size_t> ComponentOrder::legal_places(size_t position) const {
  std::vector<size_t> places;
  for (size_t to = 0; to < program_.size(); ++to) {
    if (to == position) continue;
    const SlotProgram program = moved(position, to);
    if (keeps_order(program) && changes_lane(program)) places.push_back(to);
  }
  return places;
}

size_t ComponentOrder::neighbour(size_t position, bool left) const {
  const std::vector<size_t> places = legal_places(position);
  const auto after = std::lower_bound(places.begin(), places.end(), position);
  if (left) return after == places.begin() ? position : *(after - 1);
  return after == places.end() ? position : *after;
}

Result<Subject> with_component_order(const Subject& subject, uint32_t slot, const SlotProgram& program) {
  const Slot& content = subject.evaluation.schedule.slots()[slot];
  StepCosts costs = subject.evaluation.costs;
  const bool pair = content.kind == SlotKind::kFB;
  const auto stages = static_cast<size_t>(subject.evaluation.schedule.stages());
  std::vector<int32_t>& numbers = pair ? costs.overlap.of_pair : costs.overlap.of_backward;
  const size_t entry =
      pair ? static_cast<size_t>(content.stage) * stages + content.backward_stage : content.backward_pass_stage();
  if (entry >= numbers.size() || numbers[entry] < 0) return unsupported("this slot has no order of its own");
  const int32_t number = numbers[entry];

  std::vector<sim::OverlapStage> overlap = sim::overlap_stages(subject.job, costs.layers_per_stage);
  const size_t forward = content.stage;
  const size_t backward = content.backward_pass_stage();
  // A pass that runs alone has all SMs but while its own all-to-all is beside it.
  if (!pair) overlap[backward].alone = costs.programs[backward];
  const sim::SlotTime time = sim::time_slot(program, overlap[forward], overlap[backward]);
  costs.overlap.programs[number] = time.program;

  ScheduleCosts::Input input = costs.schedule.input();
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] != number) continue;
    if (pair) {
      input.pairs[input.pairs.size() == 1 ? 0 : i] = {time.duration_ns, 0, time.forward_ready_ns, 0,
                                                      time.input_ready_ns};
      if (!costs.pair_hidden_ns.empty()) costs.pair_hidden_ns[i] = time.hidden_ns;
    } else {
      input.stages[i].backward = {time.duration_ns, 0, time.input_ready_ns};
    }
  }
  PIPELOOM_TRY(costs.schedule,
               ScheduleCosts::create(static_cast<int>(stages), subject.evaluation.schedule.ranks(), std::move(input)));
  PIPELOOM_TRY(Evaluation evaluation, evaluate(subject.job, subject.evaluation.schedule, std::move(costs)));
  return Subject{subject.job, subject.schedule_name, std::move(evaluation)};
}

}  // namespace pipeloom::planner
