#pragma once

#include "core/job/job.h"
#include "sim/cost/stage_span.h"

namespace pipeloom::sim {

inline constexpr double kWideBytes = 2;  // of a number in BF16 or FP16

// What one layer keeps from its forward pass for its backward pass, in bytes of one micro-batch on one GPU, by the
// tensor. Everything is counted; nothing is fitted.
struct SavedTensors {
  double inputs = 0;          // what both norms read, and the masks of the dropout behind both blocks
  double norm_outputs = 0;    // what the first products of both blocks read
  double latents = 0;         // MLA's compressed queries, keys and values, before and after their norms
  double heads = 0;           // queries, keys and values as attention reads them
  double core = 0;            // attention's result
  double statistics = 0;      // log-sum-exp of every row, or unfused scores
  double inner = 0;           // the dense MLP's activation function: what it reads and writes
  double rows = 0;            // what the experts' first product reads, with the rows' probabilities
  double expert_inputs = 0;   // what the experts' activation function reads
  double expert_outputs = 0;  // what it writes
  double shared = 0;          // the shared experts' activation function
  double router = 0;          // logits, scores, probabilities, mask and the map of rows

  double experts() const { return rows + expert_inputs + expert_outputs + shared + router; }
  double total() const { return inputs + norm_outputs + latents + heads + core + statistics + inner + experts(); }
};

// How many layers of a stage are dense and have experts, and one of each that stands for the others.
struct LayerKinds {
  int dense = 0;
  int experts = 0;
  int dense_layer = -1;
  int experts_layer = -1;
};
LayerKinds layer_kinds(const Model& model, const StageSpan& span);

// The tensors of a layer like the model's layer `kind`, nothing computed again. REQUIRES: the job has software.
SavedTensors saved_tensors(const Job& job, int kind);

// What is left of them if the backward pass computes again what the job says.
SavedTensors kept_tensors(const Job& job, int kind);

// What a W needs of them once its I is done: what products read, and the gradients of their results.
double needed_for_weight(const Job& job, int kind);

// Rows that the experts of a GPU get from one micro-batch, on average.
double expert_rows(const Job& job);

// Bytes of one number that a product reads: of its recipe's format, scales included.
double operand_bytes(ProductRecipe recipe);

}  // namespace pipeloom::sim
