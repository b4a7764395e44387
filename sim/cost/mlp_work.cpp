#include "sim/cost/pass_work.h"

namespace pipeloom::sim {

// Norm, MLP and residual of a dense layer. Bytes: docs/research/costs.md, section 5; the FP8 recipe's as of its shared
// expert.
ComponentWork mlp_work(const Model& model, const WorkShape& shape) {
  const double intermediate = static_cast<double>(model.intermediate) / shape.tensor;
  const double up_width = model.gated_mlp ? 2 * intermediate : intermediate;
  const double hidden_size = shape.split_tokens() * model.hidden;
  const double inner_size = shape.tokens * intermediate;
  ComponentWork work = compute_component(
      Component::kMlp,
      {Product{shape.tokens, up_width, static_cast<double>(model.hidden), 1, shape.fp8_mlp(), false},
       Product{shape.tokens, static_cast<double>(model.hidden), intermediate, 1, shape.fp8_mlp(), false}});
  const double norm_and_residual = 10 * hidden_size;
  if (shape.fp8_mlp()) {
    const double weights = (up_width + intermediate) * model.hidden;
    work.forward.memory_bytes = norm_and_residual + 3 * hidden_size + 11 * inner_size + 2 * weights;
    work.input.memory_bytes = 18 * hidden_size + 24 * inner_size;
    work.weight.memory_bytes = 4 * hidden_size;
  } else {
    work.forward.memory_bytes = norm_and_residual + (model.gated_mlp ? 6 : 4) * inner_size;
    work.input.memory_bytes = 12 * hidden_size + (model.gated_mlp ? 10 : 6) * inner_size;
    if (model.mlp_bias) work.weight.memory_bytes += 2 * inner_size;
  }
  add_block_end(model, hidden_size, work);
  work.forward.kernels = 5;
  work.input.kernels = 6;
  work.weight.kernels = 2;
  if (shape.tensor > 1) {
    work.forward.all_reduces = work.input.all_reduces = 1;
    work.forward.all_reduce_bytes = work.input.all_reduce_bytes = 2 * shape.tokens * model.hidden;
  }
  return work;
}

}  // namespace pipeloom::sim
