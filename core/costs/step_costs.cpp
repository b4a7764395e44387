#include "core/costs/step_costs.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/field_check.h"

namespace pipeloom {

namespace {

// Keeps sums of a few thousand values within int64: 2^50 ns are 13 days, 2^50 bytes are 1 PiB.
constexpr int64_t kMaxValue = int64_t{1} << 50;

template <typename Rows>
Status check_rows(const char* name, const Rows& rows, int64_t needed) {
  if (static_cast<int64_t>(rows.size()) == needed) return {};
  return invalid(fmt::format("{} has {} entries; {} are needed", name, rows.size(), needed));
}

Status check_value(const char* name, int64_t value) {
  return check_field(name, value, 0, kMaxValue);
}

Status check_values(const char* name, const std::vector<int64_t>& values, int64_t needed) {
  PIPELOOM_RETURN_IF_ERROR(check_rows(name, values, needed));
  for (const int64_t value : values) PIPELOOM_RETURN_IF_ERROR(check_value(name, value));
  return {};
}

Status check_programs(const std::vector<StageProgram>& programs, int stages) {
  PIPELOOM_RETURN_IF_ERROR(check_rows("programs", programs, stages));
  for (const StageProgram& program : programs) {
    if (program.empty()) return invalid("programs: a stage has no component");
    for (const ComponentCost& part : program) {
      PIPELOOM_RETURN_IF_ERROR(check_value("programs.forward_ns", part.forward_ns));
      PIPELOOM_RETURN_IF_ERROR(check_value("programs.input_ns", part.input_ns));
      PIPELOOM_RETURN_IF_ERROR(check_value("programs.weight_ns", part.weight_ns));
    }
  }
  return {};
}

Status check_program_numbers(const char* name, const std::vector<int32_t>& numbers, int64_t needed, size_t programs) {
  if (numbers.empty()) return {};
  PIPELOOM_RETURN_IF_ERROR(check_rows(name, numbers, needed));
  for (const int32_t number : numbers) {
    PIPELOOM_RETURN_IF_ERROR(check_field(name, int64_t{number}, 0, static_cast<int64_t>(programs) - 1));
  }
  return {};
}

// Checks that a slot's program names only components of its stages, each F and I exactly once and each W at most once.
Status check_steps(const char* name, const SlotProgram& program, const StageProgram* forward,
                   const StageProgram& backward) {
  std::vector<bool> seen[3];
  for (const SlotStep& step : program) {
    const bool is_forward = step.pass == SlotKind::kF;
    if (step.pass != SlotKind::kF && step.pass != SlotKind::kI && step.pass != SlotKind::kW) {
      return invalid(fmt::format("{}: a step is not F, I or W", name));
    }
    if (is_forward && forward == nullptr) return invalid(fmt::format("{}: a B can't contain F", name));
    const StageProgram& stage = is_forward ? *forward : backward;
    if (step.component >= stage.size()) {
      return invalid(fmt::format("{}: a step names component {}; its stage has {} components", name, step.component,
                                 stage.size()));
    }
    PIPELOOM_RETURN_IF_ERROR(check_value("overlap.duration_ns", step.duration_ns));
    std::vector<bool>& done = seen[is_forward ? 0 : step.pass == SlotKind::kI ? 1 : 2];
    done.resize(stage.size(), false);
    if (done[step.component]) return invalid(fmt::format("{}: component {} runs twice", name, step.component));
    done[step.component] = true;
  }
  const auto count = [](const std::vector<bool>& done) { return std::count(done.begin(), done.end(), true); };
  const bool complete = (forward == nullptr || count(seen[0]) == static_cast<int64_t>(forward->size())) &&
                        count(seen[1]) == static_cast<int64_t>(backward.size());
  if (!complete) return invalid(fmt::format("{}: a component of F or I is missing", name));
  return {};
}

Status check_overlap(const StepCosts& costs, int stages) {
  const OverlapPrograms& overlap = costs.overlap;
  const size_t programs = overlap.programs.size();
  PIPELOOM_RETURN_IF_ERROR(
      check_program_numbers("overlap.of_pair", overlap.of_pair, int64_t{stages} * stages, programs));
  PIPELOOM_RETURN_IF_ERROR(check_program_numbers("overlap.of_backward", overlap.of_backward, stages, programs));
  for (size_t i = 0; i < overlap.of_pair.size(); ++i) {
    PIPELOOM_RETURN_IF_ERROR(check_steps("overlap.of_pair", overlap.programs[overlap.of_pair[i]],
                                         &costs.programs[i / stages], costs.programs[i % stages]));
  }
  for (size_t stage = 0; stage < overlap.of_backward.size(); ++stage) {
    PIPELOOM_RETURN_IF_ERROR(check_steps("overlap.of_backward", overlap.programs[overlap.of_backward[stage]], nullptr,
                                         costs.programs[stage]));
  }
  return {};
}

Status check_memory(const StepCosts& costs, int stages) {
  PIPELOOM_RETURN_IF_ERROR(check_rows("activations", costs.activations, stages));
  for (const ActivationSize& size : costs.activations) {
    PIPELOOM_RETURN_IF_ERROR(check_value("activations.total", size.total));
    PIPELOOM_RETURN_IF_ERROR(check_value("activations.kept_for_weight", size.kept_for_weight));
  }
  PIPELOOM_RETURN_IF_ERROR(check_rows("states", costs.states, stages));
  for (const StageState& state : costs.states) {
    PIPELOOM_RETURN_IF_ERROR(check_value("states.weights_bytes", state.weights_bytes));
    PIPELOOM_RETURN_IF_ERROR(check_value("states.gradients_bytes", state.gradients_bytes));
    PIPELOOM_RETURN_IF_ERROR(check_value("states.optimizer_bytes", state.optimizer_bytes));
  }
  if (!costs.temporaries.empty()) PIPELOOM_RETURN_IF_ERROR(check_rows("temporaries", costs.temporaries, stages));
  for (const StageTemporaries& one : costs.temporaries) {
    PIPELOOM_RETURN_IF_ERROR(check_value("temporaries.backward_bytes", one.backward_bytes));
    PIPELOOM_RETURN_IF_ERROR(check_value("temporaries.embedding_bytes", one.embedding_bytes));
    PIPELOOM_RETURN_IF_ERROR(check_value("temporaries.step_bytes", one.step_bytes));
    PIPELOOM_RETURN_IF_ERROR(check_value("temporaries.layer_bytes", one.layer_bytes));
  }
  for (const int64_t bytes : costs.dummy_gradients_bytes) {
    PIPELOOM_RETURN_IF_ERROR(check_value("dummy_gradients_bytes", bytes));
  }
  PIPELOOM_RETURN_IF_ERROR(check_value("reserve.runtime_bytes", costs.reserve.runtime_bytes));
  PIPELOOM_RETURN_IF_ERROR(check_value("reserve.communication_bytes", costs.reserve.communication_bytes));
  PIPELOOM_RETURN_IF_ERROR(check_value("reserve.workspace_bytes", costs.reserve.workspace_bytes));
  return check_value("reserve.fragmentation_bytes", costs.reserve.fragmentation_bytes);
}

Status check_communication(const StepCosts& costs, int stages) {
  PIPELOOM_RETURN_IF_ERROR(check_rows("communication", costs.communication, stages));
  for (const StageCommunication& communication : costs.communication) {
    PIPELOOM_RETURN_IF_ERROR(check_value("communication.forward_ns", communication.forward_ns));
    PIPELOOM_RETURN_IF_ERROR(check_value("communication.backward_ns", communication.backward_ns));
  }
  const int64_t pairs = costs.pair_hidden_ns.empty() ? 0 : int64_t{stages} * stages;
  return check_values("pair_hidden_ns", costs.pair_hidden_ns, pairs);
}

}  // namespace

Status check_step_costs(const StepCosts& costs, int stages) {
  if (costs.in_bytes()) PIPELOOM_RETURN_IF_ERROR(check_rows("layers_per_stage", costs.layers_per_stage, stages));
  PIPELOOM_RETURN_IF_ERROR(check_programs(costs.programs, stages));
  PIPELOOM_RETURN_IF_ERROR(check_overlap(costs, stages));
  PIPELOOM_RETURN_IF_ERROR(check_memory(costs, stages));
  PIPELOOM_RETURN_IF_ERROR(check_communication(costs, stages));
  PIPELOOM_RETURN_IF_ERROR(check_values("gradient_reduction_ns", costs.gradient_reduction_ns, stages));
  PIPELOOM_RETURN_IF_ERROR(check_value("norm_ns", costs.norm_ns));
  if (!costs.ema_ns.empty()) PIPELOOM_RETURN_IF_ERROR(check_values("ema_ns", costs.ema_ns, stages));
  return check_values("optimizer_ns", costs.optimizer_ns, stages);
}

}  // namespace pipeloom
