#include "backend/device/model/gpu_feed_forward.h"
#include "backend/device/model/gpu_norm.h"
#include "backend/device/model/gpu_part.h"
#include "backend/device/model/gpu_parts.h"

namespace pipeloom::backend {

namespace {

// Mlp in backend/model/mlp.h.
class GpuMlp : public GpuPart {
 public:
  GpuMlp(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  int64_t size_;  // tokens * hidden
  bool again_;    // the norm's output in I
  GpuKeptNorm norm_;
  GpuFeedForward inner_;
  float* full_hidden_;  // [tokens, hidden] scratch
};

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

}  // namespace

std::unique_ptr<GpuPart> make_gpu_mlp(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers) {
  return std::make_unique<GpuMlp>(setup, model, numbers);
}

}  // namespace pipeloom::backend
