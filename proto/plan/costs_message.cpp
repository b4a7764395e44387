#include "proto/plan/costs_message.h"

#include "core/schedule/schedule.h"
#include "proto/base/columns.h"
#include "proto/plan/plan.pb.h"

namespace pipeloom::proto {

namespace {

// [stages], filled later; the first column says how many.
template <typename Row, typename Column>
std::vector<Row> rows_of(const Column& column) {
  return std::vector<Row>(static_cast<size_t>(column.size()));
}

void store_programs(const std::vector<StageProgram>& programs, message::StepCosts* message) {
  std::vector<ComponentCost> components;
  for (const StageProgram& program : programs) {
    message->add_components_per_stage(static_cast<uint32_t>(program.size()));
    components.insert(components.end(), program.begin(), program.end());
  }
  message::Components& columns = *message->mutable_components();
  store_column(components, &ComponentCost::layer, columns.mutable_layer());
  store_column(components, &ComponentCost::component, columns.mutable_component());
  store_column(components, &ComponentCost::lane, columns.mutable_lane());
  store_column(components, &ComponentCost::forward_ns, columns.mutable_forward_ns());
  store_column(components, &ComponentCost::input_ns, columns.mutable_input_ns());
  store_column(components, &ComponentCost::weight_ns, columns.mutable_weight_ns());
}

Result<std::vector<ComponentCost>> load_components(const message::Components& columns) {
  auto rows = rows_of<ComponentCost>(columns.layer());
  PIPELOOM_RETURN_IF_ERROR(load_column("components.layer", columns.layer(), &ComponentCost::layer, rows));
  PIPELOOM_RETURN_IF_ERROR(
      load_enum_column("components.component", columns.component(), Component::kWait, &ComponentCost::component, rows));
  PIPELOOM_RETURN_IF_ERROR(
      load_enum_column("components.lane", columns.lane(), Lane::kHost, &ComponentCost::lane, rows));
  PIPELOOM_RETURN_IF_ERROR(
      load_column("components.forward_ns", columns.forward_ns(), &ComponentCost::forward_ns, rows));
  PIPELOOM_RETURN_IF_ERROR(load_column("components.input_ns", columns.input_ns(), &ComponentCost::input_ns, rows));
  PIPELOOM_RETURN_IF_ERROR(load_column("components.weight_ns", columns.weight_ns(), &ComponentCost::weight_ns, rows));
  return rows;
}

Result<std::vector<StageProgram>> load_programs(const message::StepCosts& message) {
  PIPELOOM_TRY(const std::vector<ComponentCost> components, load_components(message.components()));
  std::vector<StageProgram> programs;
  size_t begin = 0;
  for (const uint32_t size : message.components_per_stage()) {
    if (size > components.size() - begin) {
      return invalid(
          fmt::format("components_per_stage asks for more components than the {} there are", components.size()));
    }
    programs.emplace_back(components.begin() + begin, components.begin() + begin + size);
    begin += size;
  }
  PIPELOOM_RETURN_IF_ERROR(check_column_size("components.layer", static_cast<int64_t>(components.size()), begin));
  return programs;
}

void store_overlap(const OverlapPrograms& overlap, message::Overlap* message) {
  SlotProgram steps;
  for (const SlotProgram& program : overlap.programs) {
    message->add_steps_per_program(static_cast<uint32_t>(program.size()));
    steps.insert(steps.end(), program.begin(), program.end());
  }
  for (const SlotStep& step : steps) message->add_pass(static_cast<message::Schedule::SlotKind>(step.pass));
  store_column(steps, &SlotStep::component, message->mutable_component());
  store_column(steps, &SlotStep::duration_ns, message->mutable_duration_ns());
  store_values(overlap.of_pair, message->mutable_of_pair());
  store_values(overlap.of_backward, message->mutable_of_backward());
}

Result<OverlapPrograms> load_overlap(const message::Overlap& message) {
  SlotProgram steps(static_cast<size_t>(message.component_size()));
  PIPELOOM_RETURN_IF_ERROR(load_enum_column("overlap.pass", message.pass(), SlotKind::kFB, &SlotStep::pass, steps));
  PIPELOOM_RETURN_IF_ERROR(load_column("overlap.component", message.component(), &SlotStep::component, steps));
  PIPELOOM_RETURN_IF_ERROR(load_column("overlap.duration_ns", message.duration_ns(), &SlotStep::duration_ns, steps));
  OverlapPrograms overlap;
  size_t begin = 0;
  for (const uint32_t size : message.steps_per_program()) {
    if (size > steps.size() - begin) {
      return invalid(fmt::format("overlap.steps_per_program asks for more than the {} steps there are", steps.size()));
    }
    overlap.programs.emplace_back(steps.begin() + begin, steps.begin() + begin + size);
    begin += size;
  }
  PIPELOOM_RETURN_IF_ERROR(check_column_size("overlap.component", static_cast<int64_t>(steps.size()), begin));
  PIPELOOM_TRY(overlap.of_pair, load_values<int32_t>("overlap.of_pair", message.of_pair()));
  PIPELOOM_TRY(overlap.of_backward, load_values<int32_t>("overlap.of_backward", message.of_backward()));
  return overlap;
}

void store_passes(const std::vector<StageCost>& stages, PassCost StageCost::*pass, message::Passes* columns) {
  for (const StageCost& stage : stages) {
    columns->add_duration_ns((stage.*pass).duration_ns);
    columns->add_need_ns((stage.*pass).need_ns);
    columns->add_ready_ns((stage.*pass).ready_ns);
  }
}

Status load_passes(const std::string& name, const message::Passes& columns, PassCost StageCost::*pass,
                   std::vector<StageCost>& stages) {
  std::vector<PassCost> rows(stages.size());
  PIPELOOM_RETURN_IF_ERROR(load_column(name + ".duration_ns", columns.duration_ns(), &PassCost::duration_ns, rows));
  PIPELOOM_RETURN_IF_ERROR(load_column(name + ".need_ns", columns.need_ns(), &PassCost::need_ns, rows));
  PIPELOOM_RETURN_IF_ERROR(load_column(name + ".ready_ns", columns.ready_ns(), &PassCost::ready_ns, rows));
  for (size_t i = 0; i < rows.size(); ++i) stages[i].*pass = rows[i];
  return {};
}

void store_pairs(const std::vector<PairCost>& pairs, message::Pairs* columns) {
  store_column(pairs, &PairCost::duration_ns, columns->mutable_duration_ns());
  store_column(pairs, &PairCost::forward_need_ns, columns->mutable_forward_need_ns());
  store_column(pairs, &PairCost::forward_ready_ns, columns->mutable_forward_ready_ns());
  store_column(pairs, &PairCost::backward_need_ns, columns->mutable_backward_need_ns());
  store_column(pairs, &PairCost::backward_ready_ns, columns->mutable_backward_ready_ns());
}

Result<std::vector<PairCost>> load_pairs(const char* name, const message::Pairs& columns) {
  auto rows = rows_of<PairCost>(columns.duration_ns());
  const auto load = [&](const char* column, const auto& values, int64_t PairCost::*member) {
    return load_column(fmt::format("{}.{}", name, column), values, member, rows);
  };
  PIPELOOM_RETURN_IF_ERROR(load("duration_ns", columns.duration_ns(), &PairCost::duration_ns));
  PIPELOOM_RETURN_IF_ERROR(load("forward_need_ns", columns.forward_need_ns(), &PairCost::forward_need_ns));
  PIPELOOM_RETURN_IF_ERROR(load("forward_ready_ns", columns.forward_ready_ns(), &PairCost::forward_ready_ns));
  PIPELOOM_RETURN_IF_ERROR(load("backward_need_ns", columns.backward_need_ns(), &PairCost::backward_need_ns));
  PIPELOOM_RETURN_IF_ERROR(load("backward_ready_ns", columns.backward_ready_ns(), &PairCost::backward_ready_ns));
  return rows;
}

void store_schedule_costs(const ScheduleCosts::Input& costs, message::ScheduleCosts* message) {
  message->set_classes(costs.classes);
  store_passes(costs.stages, &StageCost::forward, message->mutable_forward());
  store_passes(costs.stages, &StageCost::input_backward, message->mutable_input_backward());
  store_passes(costs.stages, &StageCost::backward, message->mutable_backward());
  store_column(costs.stages, &StageCost::weight_ns, message->mutable_weight_ns());
  store_values(costs.class_of_micro_batch, message->mutable_class_of_micro_batch());
  store_pairs(costs.pairs, message->mutable_pairs());
  if (!costs.input_pairs.empty()) store_pairs(costs.input_pairs, message->mutable_input_pairs());
  store_column(costs.links, &LinkCost::latency_ns, message->mutable_link_latency_ns());
  store_column(costs.links, &LinkCost::bytes_per_s, message->mutable_link_bytes_per_s());
  store_values(costs.message_bytes, message->mutable_message_bytes());
}

Result<ScheduleCosts::Input> load_schedule_costs(const message::ScheduleCosts& message) {
  ScheduleCosts::Input costs;
  costs.classes = message.classes();
  costs.stages = rows_of<StageCost>(message.weight_ns());
  PIPELOOM_RETURN_IF_ERROR(load_passes("forward", message.forward(), &StageCost::forward, costs.stages));
  PIPELOOM_RETURN_IF_ERROR(
      load_passes("input_backward", message.input_backward(), &StageCost::input_backward, costs.stages));
  PIPELOOM_RETURN_IF_ERROR(load_passes("backward", message.backward(), &StageCost::backward, costs.stages));
  PIPELOOM_RETURN_IF_ERROR(load_column("weight_ns", message.weight_ns(), &StageCost::weight_ns, costs.stages));
  PIPELOOM_TRY(costs.class_of_micro_batch,
               load_values<uint8_t>("class_of_micro_batch", message.class_of_micro_batch()));
  PIPELOOM_TRY(costs.pairs, load_pairs("pairs", message.pairs()));
  PIPELOOM_TRY(costs.input_pairs, load_pairs("input_pairs", message.input_pairs()));
  costs.links = rows_of<LinkCost>(message.link_latency_ns());
  PIPELOOM_RETURN_IF_ERROR(
      load_column("link_latency_ns", message.link_latency_ns(), &LinkCost::latency_ns, costs.links));
  PIPELOOM_RETURN_IF_ERROR(
      load_column("link_bytes_per_s", message.link_bytes_per_s(), &LinkCost::bytes_per_s, costs.links));
  PIPELOOM_TRY(costs.message_bytes, load_values<int64_t>("message_bytes", message.message_bytes()));
  return costs;
}

void store_memory(const StepCosts& costs, message::StepCosts* message) {
  store_column(costs.activations, &ActivationSize::total, message->mutable_activation_total());
  store_column(costs.activations, &ActivationSize::kept_for_weight, message->mutable_activation_kept_for_weight());
  store_column(costs.states, &StageState::weights_bytes, message->mutable_weights_bytes());
  store_column(costs.states, &StageState::gradients_bytes, message->mutable_gradients_bytes());
  store_column(costs.states, &StageState::optimizer_bytes, message->mutable_optimizer_bytes());
  store_column(costs.temporaries, &StageTemporaries::backward_bytes, message->mutable_temporary_backward_bytes());
  store_column(costs.temporaries, &StageTemporaries::embedding_bytes, message->mutable_temporary_embedding_bytes());
  store_column(costs.temporaries, &StageTemporaries::step_bytes, message->mutable_temporary_step_bytes());
  store_column(costs.temporaries, &StageTemporaries::layer_bytes, message->mutable_temporary_layer_bytes());
  store_values(costs.dummy_gradients_bytes, message->mutable_dummy_gradients_bytes());
  message->set_runtime_bytes(costs.reserve.runtime_bytes);
  message->set_communication_bytes(costs.reserve.communication_bytes);
  message->set_workspace_bytes(costs.reserve.workspace_bytes);
  message->set_fragmentation_bytes(costs.reserve.fragmentation_bytes);
}

Status load_memory(const message::StepCosts& message, StepCosts& costs) {
  costs.activations = rows_of<ActivationSize>(message.activation_total());
  PIPELOOM_RETURN_IF_ERROR(
      load_column("activation_total", message.activation_total(), &ActivationSize::total, costs.activations));
  PIPELOOM_RETURN_IF_ERROR(load_column("activation_kept_for_weight", message.activation_kept_for_weight(),
                                       &ActivationSize::kept_for_weight, costs.activations));
  costs.states = rows_of<StageState>(message.weights_bytes());
  PIPELOOM_RETURN_IF_ERROR(
      load_column("weights_bytes", message.weights_bytes(), &StageState::weights_bytes, costs.states));
  PIPELOOM_RETURN_IF_ERROR(
      load_column("gradients_bytes", message.gradients_bytes(), &StageState::gradients_bytes, costs.states));
  PIPELOOM_RETURN_IF_ERROR(
      load_column("optimizer_bytes", message.optimizer_bytes(), &StageState::optimizer_bytes, costs.states));
  costs.temporaries = rows_of<StageTemporaries>(message.temporary_backward_bytes());
  PIPELOOM_RETURN_IF_ERROR(load_column("temporary_backward_bytes", message.temporary_backward_bytes(),
                                       &StageTemporaries::backward_bytes, costs.temporaries));
  PIPELOOM_RETURN_IF_ERROR(load_column("temporary_embedding_bytes", message.temporary_embedding_bytes(),
                                       &StageTemporaries::embedding_bytes, costs.temporaries));
  PIPELOOM_RETURN_IF_ERROR(load_column("temporary_step_bytes", message.temporary_step_bytes(),
                                       &StageTemporaries::step_bytes, costs.temporaries));
  PIPELOOM_RETURN_IF_ERROR(load_column("temporary_layer_bytes", message.temporary_layer_bytes(),
                                       &StageTemporaries::layer_bytes, costs.temporaries));
  PIPELOOM_TRY(costs.dummy_gradients_bytes,
               load_values<int64_t>("dummy_gradients_bytes", message.dummy_gradients_bytes()));
  costs.reserve = {message.runtime_bytes(), message.communication_bytes(), message.workspace_bytes(),
                   message.fragmentation_bytes()};
  return {};
}

void store_times(const StepCosts& costs, message::StepCosts* message) {
  store_column(costs.communication, &StageCommunication::forward_ns, message->mutable_communication_forward_ns());
  store_column(costs.communication, &StageCommunication::backward_ns, message->mutable_communication_backward_ns());
  store_values(costs.pair_hidden_ns, message->mutable_pair_hidden_ns());
  store_values(costs.gradient_reduction_ns, message->mutable_gradient_reduction_ns());
  store_values(costs.optimizer_ns, message->mutable_optimizer_ns());
  message->set_flops_per_step(costs.flops_per_step);
  store_values(costs.ema_ns, message->mutable_ema_ns());
  message->set_norm_ns(costs.norm_ns);
  message->set_shares_embedding(costs.shares_embedding);
}

Status load_times(const message::StepCosts& message, StepCosts& costs) {
  costs.communication = rows_of<StageCommunication>(message.communication_forward_ns());
  PIPELOOM_RETURN_IF_ERROR(load_column("communication_forward_ns", message.communication_forward_ns(),
                                       &StageCommunication::forward_ns, costs.communication));
  PIPELOOM_RETURN_IF_ERROR(load_column("communication_backward_ns", message.communication_backward_ns(),
                                       &StageCommunication::backward_ns, costs.communication));
  PIPELOOM_TRY(costs.pair_hidden_ns, load_values<int64_t>("pair_hidden_ns", message.pair_hidden_ns()));
  PIPELOOM_TRY(costs.gradient_reduction_ns,
               load_values<int64_t>("gradient_reduction_ns", message.gradient_reduction_ns()));
  PIPELOOM_TRY(costs.optimizer_ns, load_values<int64_t>("optimizer_ns", message.optimizer_ns()));
  costs.flops_per_step = message.flops_per_step();
  PIPELOOM_TRY(costs.ema_ns, load_values<int64_t>("ema_ns", message.ema_ns()));
  costs.norm_ns = message.norm_ns();
  costs.shares_embedding = message.shares_embedding();
  return {};
}

// What ScheduleCosts::create can't know.
Status check_against(const StepCosts& costs, const Schedule& schedule) {
  PIPELOOM_RETURN_IF_ERROR(check_step_costs(costs, schedule.stages()));
  if (!costs.dummy_gradients_bytes.empty()) {
    PIPELOOM_RETURN_IF_ERROR(check_column_size(
        "dummy_gradients_bytes", static_cast<int64_t>(costs.dummy_gradients_bytes.size()), schedule.ranks()));
  }
  const auto& classes = costs.schedule.input().class_of_micro_batch;
  if (classes.empty()) return {};
  return check_column_size("class_of_micro_batch", static_cast<int64_t>(classes.size()), schedule.micro_batches());
}

}  // namespace

void store_costs(const StepCosts& costs, message::StepCosts* message) {
  store_values(costs.layers_per_stage, message->mutable_layers_per_stage());
  store_programs(costs.programs, message);
  store_overlap(costs.overlap, message->mutable_overlap());
  store_schedule_costs(costs.schedule.input(), message->mutable_schedule());
  store_memory(costs, message);
  store_times(costs, message);
}

Result<StepCosts> load_costs(const message::StepCosts& message, const Schedule& schedule) {
  PIPELOOM_TRY(std::vector<int> layers, load_values<int>("layers_per_stage", message.layers_per_stage()));
  PIPELOOM_TRY(std::vector<StageProgram> programs, load_programs(message));
  PIPELOOM_TRY(OverlapPrograms overlap, load_overlap(message.overlap()));
  PIPELOOM_TRY(ScheduleCosts::Input input, load_schedule_costs(message.schedule()));
  PIPELOOM_TRY(ScheduleCosts schedule_costs,
               ScheduleCosts::create(schedule.stages(), schedule.ranks(), std::move(input)));
  StepCosts costs{.layers_per_stage = std::move(layers),
                  .programs = std::move(programs),
                  .overlap = std::move(overlap),
                  .schedule = std::move(schedule_costs),
                  .activations = {},
                  .states = {},
                  .communication = {},
                  .pair_hidden_ns = {},
                  .gradient_reduction_ns = {},
                  .optimizer_ns = {}};
  PIPELOOM_RETURN_IF_ERROR(load_memory(message, costs));
  PIPELOOM_RETURN_IF_ERROR(load_times(message, costs));
  PIPELOOM_RETURN_IF_ERROR(check_against(costs, schedule));
  return costs;
}

}  // namespace pipeloom::proto
