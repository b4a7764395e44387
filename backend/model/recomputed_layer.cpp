#include "backend/model/recomputed_layer.h"

#include <utility>

namespace pipeloom::backend {

template <typename Real>
size_t RecomputedLayer<Real>::join(const Part<Real>& part, PartNumbers<const Real> weights) {
  members_.push_back({&part, weights, nullptr});
  return members_.size() - 1;
}

template <typename Real>
void RecomputedLayer<Real>::forward(size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) {
    Member& member = members_[i];
    member.run = member.part->start();
    member.run->forward(member.weights, flow_);
  }
}

template <typename Real>
std::unique_ptr<PartRun<Real>> RecomputedLayer<Real>::take(size_t member) {
  if (!input_.empty()) {
    if (dispatch_ != nullptr) {
      unpack(pack());
    } else {
      flow_.hidden = input_.values();
      input_ = {};
      forward(0, members_.size());
      flow_ = {};
    }
  }
  return std::move(members_[member].run);
}

template <typename Real>
typename RecomputedLayer<Real>::Packages RecomputedLayer<Real>::pack() {
  flow_.hidden = input_.values();
  input_ = {};
  forward(0, before_dispatch_);
  return dispatch_->pack_forward(flow_);
}

template <typename Real>
void RecomputedLayer<Real>::unpack(Packages received) {
  dispatch_->unpack_forward(std::move(received), flow_);
  forward(before_dispatch_, members_.size());
  flow_ = {};
}

namespace {

template <typename Real>
class RecomputedPart : public Part<Real> {
 public:
  RecomputedPart(std::unique_ptr<Part<Real>> part, bool is_first, Format stream)
      : part_(std::move(part)), is_first_(is_first), stream_(stream) {
    this->own_ = part_->own();
    this->routed_ = part_->routed();
  }
  std::unique_ptr<PartRun<Real>> start() const override { return std::make_unique<Run>(*this); }

 private:
  class Run : public PartRun<Real> {
   public:
    explicit Run(const RecomputedPart& part) : part_(part) {}
    void forward(PartNumbers<const Real> weights, Flow<Real>& flow) override {
      if (part_.is_first_) flow.layer = std::make_shared<RecomputedLayer<Real>>(flow.hidden, part_.stream_);
      // Experts that dispatch by themselves do so again by themselves.
      layer_ = std::exchange(flow.layer, nullptr);
      PIPELOOM_THROW_UNLESS(layer_ != nullptr);
      member_ = layer_->join(*part_.part_, weights);
      part_.part_->start()->forward(weights, flow);
      flow.layer = layer_;
      flow.normed_again = {};  // of a router, which is gone
    }
    void input_backward(PartNumbers<const Real> weights, Flow<Real>& flow) override {
      run_ = layer_->take(member_);
      layer_ = {};
      run_->input_backward(weights, flow);
    }
    int weight_pieces() const override { return run_->weight_pieces(); }
    void weight_backward(int piece, PartNumbers<Real> gradients) override { run_->weight_backward(piece, gradients); }

   private:
    const RecomputedPart& part_;
    std::shared_ptr<RecomputedLayer<Real>> layer_;
    size_t member_ = 0;
    std::unique_ptr<PartRun<Real>> run_;  // from I on
  };
  std::unique_ptr<Part<Real>> part_;
  bool is_first_;
  Format stream_;
};

}  // namespace

template <typename Real>
std::unique_ptr<Part<Real>> recomputed_part(std::unique_ptr<Part<Real>> part, bool is_first, Format stream) {
  return std::make_unique<RecomputedPart<Real>>(std::move(part), is_first, stream);
}

template class RecomputedLayer<float>;
template class RecomputedLayer<double>;
template std::unique_ptr<Part<float>> recomputed_part(std::unique_ptr<Part<float>>, bool, Format);
template std::unique_ptr<Part<double>> recomputed_part(std::unique_ptr<Part<double>>, bool, Format);

}  // namespace pipeloom::backend
