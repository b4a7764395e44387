#pragma once

#include <memory>
#include <vector>

#include "backend/device/kernels/columns_kernels.h"
#include "backend/device/model/gpu_part.h"

namespace pipeloom::backend {

// A layer of which F keeps only the input, as RecomputedLayer in backend/model/recomputed_layer.h; its parts are all on
// the compute lane.
class GpuRecomputedLayer {
 public:
  // `size`: of the residual stream.
  GpuRecomputedLayer(const GpuSetup& setup, int64_t size) : input_(setup.kept.take<Bf16>(size)), size_(size) {}

  // In the order of F; outlives the layer.
  void join(GpuPart& again) { members_.push_back(&again); }
  bool begins_with(const GpuPart& part) const { return members_.front() == &part; }
  bool ends_with(const GpuPart& part) const { return members_.back() == &part; }

  void keep_input(const SmStream& stream, const GpuFlow& flow) const {
    copy_numbers(stream, flow.hidden, size_, input_);
  }
  // What F left in the flow has been read when the first I comes.
  void run_again(const SmStream& stream, GpuFlow& flow) const {
    copy_numbers(stream, input_, size_, flow.hidden);
    for (GpuPart* member : members_) member->forward(stream, flow);
  }

 private:
  Bf16* input_;
  int64_t size_;
  std::vector<GpuPart*> members_;
};

// A part of such a layer: `first` runs F and keeps nothing, `again` all passes from the layer's first I on.
class GpuRecomputedPart : public GpuPart {
 public:
  GpuRecomputedPart(std::unique_ptr<GpuPart> first, std::unique_ptr<GpuPart> again,
                    std::shared_ptr<GpuRecomputedLayer> layer)
      : first_(std::move(first)), again_(std::move(again)), layer_(std::move(layer)) {
    layer_->join(*again_);
  }

  void forward(const SmStream& stream, GpuFlow& flow) override {
    if (layer_->begins_with(*again_)) layer_->keep_input(stream, flow);
    first_->forward(stream, flow);
  }
  void input_backward(const SmStream& stream, GpuFlow& flow) override {
    if (layer_->ends_with(*again_)) layer_->run_again(stream, flow);
    again_->input_backward(stream, flow);
  }
  void weight_backward(const SmStream& stream) override { again_->weight_backward(stream); }

 private:
  std::unique_ptr<GpuPart> first_;
  std::unique_ptr<GpuPart> again_;
  std::shared_ptr<GpuRecomputedLayer> layer_;
};

}  // namespace pipeloom::backend
