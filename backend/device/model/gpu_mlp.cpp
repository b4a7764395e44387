#include "backend/device/model/gpu_mlp.h"

namespace pipeloom::backend {

GpuMlp::GpuMlp(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers)
    : size_(setup.tokens * model.hidden),
      again_(setup.keeping.selective),
      norm_(setup, setup.mlp, find_weight(numbers.part.own(), "norm", numbers.own)),
      inner_(setup, find_weight(numbers.part.own(), "up", numbers.own),
             find_weight(numbers.part.own(), "down", numbers.own), setup.tokens, model.gated_mlp),
      full_hidden_(setup.scratch.take<float>(size_)) {}

void GpuMlp::forward(const SmStream& stream, GpuFlow& flow) {
  inner_.forward(stream, norm_.forward(stream, {flow.hidden, norm_.width()}), full_hidden_);
  add_numbers(stream, full_hidden_, size_, flow.hidden);
}

void GpuMlp::input_backward(const SmStream& stream, GpuFlow& flow) {
  if (again_) norm_.recompute(stream);
  inner_.input_backward(stream, flow.gradient, full_hidden_);
  norm_.norm().input_backward(stream, {full_hidden_, norm_.width()}, flow.gradient, {flow.gradient, norm_.width()});
}

void GpuMlp::weight_backward(const SmStream& stream) {
  norm_.norm().weight_backward(stream);
  inner_.weight_backward(stream, norm_.output(stream));
}

}  // namespace pipeloom::backend
