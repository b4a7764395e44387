#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/costs/component.h"
#include "core/costs/costs.h"
#include "core/costs/slot_program.h"

namespace pipeloom {

// What one copy of a stage keeps on its GPU through the whole step, in bytes.
struct StageState {
  int64_t weights_bytes = 0;
  int64_t gradients_bytes = 0;
  int64_t optimizer_bytes = 0;

  int64_t total_bytes() const { return weights_bytes + gradients_bytes + optimizer_bytes; }
  bool operator==(const StageState&) const = default;
};

// What a GPU holds through the whole step beside stages and activations, in bytes.
struct Reserve {
  int64_t runtime_bytes = 0;        // driver and libraries of the GPU
  int64_t communication_bytes = 0;  // buffers of collectives
  int64_t workspace_bytes = 0;      // workspaces of products, and what recomputation rebuilds
  int64_t fragmentation_bytes = 0;

  int64_t total_bytes() const { return runtime_bytes + communication_bytes + workspace_bytes + fragmentation_bytes; }
  bool operator==(const Reserve&) const = default;
};

// What a training framework holds of a stage for a moment, beside its state and what F saved, in bytes.
struct StageTemporaries {
  int64_t backward_bytes = 0;   // at most, during a backward pass, with all that F saved
  int64_t embedding_bytes = 0;  // at the end of a backward pass, when what F saved is gone
  int64_t step_bytes = 0;       // during the optimizer's step
  // What F saves of the largest layer. In an overlapped pair the backward pass frees a layer for each that F fills.
  int64_t layer_bytes = 0;

  bool operator==(const StageTemporaries&) const = default;
};

// How much of a stage's passes is communication (all-to-all), if each pass runs alone.
struct StageCommunication {
  int64_t forward_ns = 0;
  int64_t backward_ns = 0;

  bool operator==(const StageCommunication&) const = default;
};

// Orders and contended durations of slots in which compute and all-to-all overlap and slow each other down. A slot
// without an entry here follows core/costs/slot_program.h.
struct OverlapPrograms {
  std::vector<SlotProgram> programs = {};
  std::vector<int32_t> of_pair = {};      // [stage of F][stage of B] index into `programs`; empty: none
  std::vector<int32_t> of_backward = {};  // [stage] B's index into `programs`; empty: none

  bool operator==(const OverlapPrograms&) const = default;
};

// Everything that a job costs with a placement and a partition of the layers. Schedules, the simulator, the memory
// report and the lowering read it. Vectors are [stage] unless said otherwise. Made by sim/cost, or read back from a
// plan.
struct StepCosts {
  std::vector<int> layers_per_stage = {};  // empty if the job has no model
  std::vector<StageProgram> programs = {};
  OverlapPrograms overlap = {};
  ScheduleCosts schedule;
  std::vector<ActivationSize> activations = {};  // bytes; millionths of an activation if the job has no model
  std::vector<StageState> states = {};
  std::vector<StageCommunication> communication = {};
  // [stage of F][stage of B] How much all-to-all of an overlapped pair its compute hides; empty: nothing.
  std::vector<int64_t> pair_hidden_ns = {};
  std::vector<int64_t> gradient_reduction_ns = {};  // reduction over the stage's copies and data-parallel replicas
  std::vector<int64_t> optimizer_ns = {};
  // The last stage uses the first one's embedding (MTP modules). If one rank holds both stages, it holds one copy; else
  // the gradients of both are reduced together.
  bool shares_embedding = false;
  std::vector<int64_t> ema_ns = {};  // moving average of the stage's weights, on the host; empty: none
  int64_t norm_ns = 0;               // norm of all gradients over all ranks and replicas; 0 if the job does not clip
  Reserve reserve = {};
  std::vector<StageTemporaries> temporaries = {};   // empty: not counted (a job without software)
  std::vector<int64_t> dummy_gradients_bytes = {};  // [rank] that are never freed; empty: none
  int64_t flops_per_step = 0;  // in products of the model, per GPU, for utilisation; 0 if there is no model

  bool in_bytes() const { return !layers_per_stage.empty(); }
  bool operator==(const StepCosts&) const = default;
};

// Checks costs that were read from a file: one entry per stage in every vector, a component in every program, nothing
// negative, nothing larger than any GPU could hold.
Status check_step_costs(const StepCosts& costs, int stages);

}  // namespace pipeloom
