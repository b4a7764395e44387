#include "core/step_costs.h"

#include <fmt/format.h>

#include "core/field_check.h"

namespace pipeloom {

namespace {

constexpr int64_t kMost = int64_t{1} << 50;

template <typename Rows>
Status check_rows(const char* name, const Rows& rows, int64_t needed) {
  if (static_cast<int64_t>(rows.size()) == needed) return {};
  return invalid(fmt::format("{} has {} entries; {} are needed", name, rows.size(), needed));
}

Status check_value(const char* name, int64_t value) {
  return check_field(name, value, 0, kMost);
}

Status check_values(const char* name, const std::vector<int64_t>& values, int64_t needed) {
  PIPELOOM_CHECK_OK(check_rows(name, values, needed));
  for (const int64_t value : values) PIPELOOM_CHECK_OK(check_value(name, value));
  return {};
}

Status check_programs(const std::vector<StageProgram>& programs, int stages) {
  PIPELOOM_CHECK_OK(check_rows("programs", programs, stages));
  for (const StageProgram& program : programs) {
    if (program.empty()) return invalid("programs: a stage has no component");
    for (const ComponentCost& part : program) {
      PIPELOOM_CHECK_OK(check_value("programs.forward_ns", part.forward_ns));
      PIPELOOM_CHECK_OK(check_value("programs.input_ns", part.input_ns));
      PIPELOOM_CHECK_OK(check_value("programs.weight_ns", part.weight_ns));
    }
  }
  return {};
}

Status check_memory(const StepCosts& costs, int stages) {
  PIPELOOM_CHECK_OK(check_rows("activations", costs.activations, stages));
  for (const ActivationSize& size : costs.activations) {
    PIPELOOM_CHECK_OK(check_value("activations.total", size.total));
    PIPELOOM_CHECK_OK(check_field("activations.kept_for_weight", size.kept_for_weight, 0, size.total));
  }
  PIPELOOM_CHECK_OK(check_rows("states", costs.states, stages));
  for (const StageState& state : costs.states) {
    PIPELOOM_CHECK_OK(check_value("states.weights_bytes", state.weights_bytes));
    PIPELOOM_CHECK_OK(check_value("states.gradients_bytes", state.gradients_bytes));
    PIPELOOM_CHECK_OK(check_value("states.optimizer_bytes", state.optimizer_bytes));
  }
  PIPELOOM_CHECK_OK(check_value("reserve.runtime_bytes", costs.reserve.runtime_bytes));
  PIPELOOM_CHECK_OK(check_value("reserve.communication_bytes", costs.reserve.communication_bytes));
  PIPELOOM_CHECK_OK(check_value("reserve.workspace_bytes", costs.reserve.workspace_bytes));
  return check_value("reserve.fragmentation_bytes", costs.reserve.fragmentation_bytes);
}

Status check_communication(const StepCosts& costs, int stages) {
  PIPELOOM_CHECK_OK(check_rows("communication", costs.communication, stages));
  for (const StageCommunication& communication : costs.communication) {
    PIPELOOM_CHECK_OK(check_value("communication.forward_ns", communication.forward_ns));
    PIPELOOM_CHECK_OK(check_value("communication.backward_ns", communication.backward_ns));
  }
  const int64_t pairs = costs.pair_hidden_ns.empty() ? 0 : int64_t{stages} * stages;
  return check_values("pair_hidden_ns", costs.pair_hidden_ns, pairs);
}

}  // namespace

Status check_step_costs(const StepCosts& costs, int stages) {
  if (costs.in_bytes()) PIPELOOM_CHECK_OK(check_rows("layers_per_stage", costs.layers_per_stage, stages));
  PIPELOOM_CHECK_OK(check_programs(costs.programs, stages));
  PIPELOOM_CHECK_OK(check_memory(costs, stages));
  PIPELOOM_CHECK_OK(check_communication(costs, stages));
  PIPELOOM_CHECK_OK(check_values("gradient_reduction_ns", costs.gradient_reduction_ns, stages));
  return check_values("optimizer_ns", costs.optimizer_ns, stages);
}

}  // namespace pipeloom
