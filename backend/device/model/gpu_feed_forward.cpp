#include "backend/device/model/gpu_feed_forward.h"

#include "backend/device/kernels/columns_kernels.h"

namespace pipeloom::backend {

GpuFeedForward::GpuFeedForward(const GpuSetup& setup, const GpuWeight& up, const GpuWeight& down, int64_t rows,
                               bool gated)
    : products_(setup.mlp),
      up_(up),
      down_(down),
      shape_{rows, down.rows, gated},
      again_(setup.keeping.selective),
      inner_(setup.kept, setup.keeping.formats.cached, rows, up.columns),
      activated_(GpuFactor::from_forward(setup, products_, rows, down.rows)),
      inner_gradient_(GpuFactor::from_input(setup, products_, rows, up.columns)),
      output_gradient_(GpuFactor::from_input(setup, products_, rows, down.columns)),
      full_inner_(setup.scratch.take<float>(rows * up.columns)),
      rounded_inner_(setup.scratch.take<Bf16>(rows * up.columns)),
      rounded_gradient_(setup.scratch.take<Bf16>(rows * up.columns)),
      rounded_activated_(setup.scratch.take<Bf16>(rows * down.rows)),
      activated_gradient_(setup.scratch.take<float>(rows * down.rows)),
      rounded_output_(setup.scratch.take<Bf16>(rows * down.columns)) {
  products_.prepare(rows, up);
  products_.prepare(rows, down);
}

void GpuFeedForward::forward(const SmStream& stream, const Bf16* input, float* output) const {
  products_.times(stream, input, shape_.rows, up_, full_inner_, Into::kSet);
  Bf16* inner = inner_.place(rounded_inner_);
  round_to_bf16(stream, full_inner_, shape_.rows * up_.columns, inner);
  Bf16* activated = again_ ? rounded_activated_ : activated_.place(rounded_activated_);
  activate(stream, shape_, inner, activated);
  inner_.keep(stream, inner);
  if (!again_) activated_.keep(stream, activated);
  products_.times(stream, activated, shape_.rows, down_, output, Into::kSet);
}

void GpuFeedForward::input_backward(const SmStream& stream, const Bf16* output_gradient, float* input_gradient) const {
  products_.input_gradient(stream, output_gradient, shape_.rows, down_, activated_gradient_, Into::kSet);
  output_gradient_.keep(stream, output_gradient);
  through_activation(stream, inner_.values(stream, rounded_inner_), input_gradient);
}

void GpuFeedForward::weighed_input_backward(const SmStream& stream, Bf16* output_gradient, float* row_weights,
                                            float* input_gradient) const {
  products_.input_gradient(stream, output_gradient, shape_.rows, down_, activated_gradient_, Into::kSet);
  const Bf16* inner = inner_.values(stream, rounded_inner_);
  weigh_rows(stream, shape_, inner, down_.columns, row_weights, activated_gradient_, output_gradient);
  output_gradient_.keep(stream, output_gradient);
  through_activation(stream, inner, input_gradient);
}

void GpuFeedForward::through_activation(const SmStream& stream, const Bf16* inner, float* input_gradient) const {
  if (again_) {
    Bf16* activated = activated_.place(rounded_activated_);
    activate(stream, shape_, inner, activated);
    activated_.keep(stream, activated);
  }
  Bf16* gradient = inner_gradient_.place(rounded_gradient_);
  activate_backward(stream, shape_, inner, activated_gradient_, gradient);
  inner_gradient_.keep(stream, gradient);
  products_.input_gradient(stream, gradient, shape_.rows, up_, input_gradient, Into::kSet);
}

void GpuFeedForward::weight_backward(const SmStream& stream, const FactorOfW& input) const {
  products_.add_weight_gradient(stream, input, inner_gradient_.of_w(stream, rounded_gradient_), shape_.rows, up_);
  products_.add_weight_gradient(stream, activated_.of_w(stream, rounded_activated_),
                                output_gradient_.of_w(stream, rounded_output_), shape_.rows, down_);
}

}  // namespace pipeloom::backend
