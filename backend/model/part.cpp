#include "backend/model/part.h"

#include <algorithm>
#include <optional>

#include "backend/model/attention.h"
#include "backend/model/end_parts.h"
#include "backend/model/exchange.h"
#include "backend/model/experts.h"
#include "backend/model/mla.h"
#include "backend/model/mlp.h"
#include "backend/model/recomputed_layer.h"
#include "backend/model/router.h"

namespace pipeloom::backend {

namespace {

// A stage without layers hands its input on.
template <typename Real>
class NothingPart : public Part<Real> {
 public:
  std::unique_ptr<PartRun<Real>> start() const override { return std::make_unique<Run>(); }

 private:
  class Run : public PartRun<Real> {
    void forward(PartNumbers<const Real> /*weights*/, Flow<Real>& /*flow*/) override {}
    void input_backward(PartNumbers<const Real> /*weights*/, Flow<Real>& /*flow*/) override {}
    int weight_pieces() const override { return 0; }
  };
};

// What makes a residual stream of a residual stream: attention, MLA, MLP.
template <typename Real, typename Maths>
class HiddenPart : public Part<Real> {
 public:
  template <typename... Arguments>
  explicit HiddenPart(const PartShape& shape, const Arguments&... arguments)
      : maths_(this->own_, arguments...), stream_(shape.formats.rest) {}
  std::unique_ptr<PartRun<Real>> start() const override { return std::make_unique<Run>(maths_, stream_); }

 private:
  class Run : public PartRun<Real> {
   public:
    Run(const Maths& maths, Format stream) : maths_(maths), stream_(stream) {}
    void forward(PartNumbers<const Real> weights, Flow<Real>& flow) override {
      flow.hidden = rounded_to(maths_.forward(weights.own, std::move(flow.hidden), saved_), stream_);
    }
    void input_backward(PartNumbers<const Real> weights, Flow<Real>& flow) override {
      flow.hidden = rounded_to(maths_.input_backward(weights.own, std::move(flow.hidden), saved_), stream_);
    }
    void weight_backward(int /*piece*/, PartNumbers<Real> gradients) override {
      maths_.weight_backward(saved_, gradients.own);
    }

   private:
    const Maths& maths_;
    Format stream_;
    typename Maths::Saved saved_;
  };
  Maths maths_;
  Format stream_;
};

template <typename Real>
class RouterPart : public Part<Real> {
 public:
  RouterPart(const PartShape& shape, const Model& model, const Products<Real>& products)
      : maths_(this->own_, model, shape.balance(), shape.keeping(), products), stream_(shape.formats.rest) {}
  std::unique_ptr<PartRun<Real>> start() const override { return std::make_unique<Run>(maths_, stream_); }

 private:
  class Run : public PartRun<Real> {
   public:
    Run(const Router<Real>& maths, Format stream)
        : maths_(maths), stream_(stream), saved_(std::make_shared<typename Router<Real>::Saved>()) {}
    void forward(PartNumbers<const Real> weights, Flow<Real>& flow) override {
      auto output = maths_.forward(weights.own, flow.hidden, *saved_);
      flow.normed = std::move(output.normed);
      flow.routing = std::move(output.routing);
      flow.further_loss += maths_.balance_loss(*saved_);
      flow.normed_again = [&maths = maths_, own = weights.own, saved = saved_] { return maths.normed(own, *saved); };
    }
    void input_backward(PartNumbers<const Real> weights, Flow<Real>& flow) override {
      flow.hidden += maths_.input_backward(weights.own, {std::move(flow.normed), std::move(flow.routing)}, *saved_);
      round_to(flow.hidden, stream_);
    }
    void weight_backward(int /*piece*/, PartNumbers<Real> gradients) override {
      maths_.weight_backward(*saved_, gradients.own);
    }

   private:
    const Router<Real>& maths_;
    Format stream_;
    std::shared_ptr<typename Router<Real>::Saved> saved_;
  };
  Router<Real> maths_;
  Format stream_;
};

template <typename Real>
class DispatchRun : public ExchangeRun<Real> {
 public:
  using typename ExchangeRun<Real>::Packages;
  explicit DispatchRun(const Dispatch<Real>& maths) : maths_(maths) {}
  Packages pack_forward(Flow<Real>& flow) override {
    if (flow.layer) flow.layer->dispatch_by(*this);
    return maths_.pack_forward(flow, saved_);
  }
  void unpack_forward(Packages received, Flow<Real>& flow) override {
    maths_.unpack_forward(std::move(received), flow);
  }
  Packages pack_backward(Flow<Real>& flow) override { return maths_.pack_backward(flow); }
  void unpack_backward(Packages received, Flow<Real>& flow) override { maths_.unpack_backward(received, flow, saved_); }

 private:
  const Dispatch<Real>& maths_;
  typename Dispatch<Real>::Saved saved_;
};

template <typename Real>
class CombineRun : public ExchangeRun<Real> {
 public:
  using typename ExchangeRun<Real>::Packages;
  explicit CombineRun(const Combine<Real>& maths) : maths_(maths) {}
  Packages pack_forward(Flow<Real>& flow) override { return maths_.pack_forward(flow); }
  void unpack_forward(Packages received, Flow<Real>& flow) override {
    layer_ = flow.layer;
    maths_.unpack_forward(received, flow, saved_);
  }
  Packages pack_backward(Flow<Real>& flow) override { return maths_.pack_backward(flow, saved_); }
  void unpack_backward(Packages received, Flow<Real>& flow) override {
    maths_.unpack_backward(std::move(received), flow);
  }
  RecomputedLayer<Real>* recomputed() const override { return layer_.get(); }

 private:
  const Combine<Real>& maths_;
  std::shared_ptr<RecomputedLayer<Real>> layer_;
  typename Combine<Real>::Saved saved_;
};

template <typename Real, typename Maths, typename Run>
class ExchangePart : public Part<Real> {
 public:
  ExchangePart(const Model& model, const PartShape& shape)
      : maths_(exchange_shape(*model.moe, shape.ep_ranks, shape.formats)) {}
  std::unique_ptr<PartRun<Real>> start() const override { return std::make_unique<Run>(maths_); }

 private:
  Maths maths_;
};

// Shared experts at home, routed ones for every source; with dispatch and combine where nothing else does them.
template <typename Real>
class ExpertsPart : public Part<Real> {
 public:
  ExpertsPart(const Model& model, const PartShape& shape, bool with_exchange, const Products<Real>& products)
      : held_(model.moe->routed_experts / shape.ep_ranks),
        keeping_(shape.keeping()),
        routed_maths_(this->routed_, model, shape.ep_rank * held_, held_, keeping_, products),
        dispatch_(exchange_shape(*model.moe, shape.ep_ranks, shape.formats)),
        combine_(exchange_shape(*model.moe, shape.ep_ranks, shape.formats)),
        with_exchange_(with_exchange) {
    PIPELOOM_THROW_UNLESS(!with_exchange || shape.ep_ranks == 1);
    if (model.moe->shared_experts == 0) return;
    shared_.emplace(this->own_, "shared.", model.hidden, int64_t{model.moe->shared_experts} * model.moe->intermediate,
                    model.gated_mlp, keeping_, products);
  }
  std::unique_ptr<PartRun<Real>> start() const override { return std::make_unique<Run>(*this); }

 private:
  class Run : public PartRun<Real> {
   public:
    explicit Run(const ExpertsPart& part) : part_(part), dispatch_(part.dispatch_), combine_(part.combine_) {}

    void forward(PartNumbers<const Real> weights, Flow<Real>& flow) override {
      if (part_.with_exchange_) dispatch_.forward({}, flow);
      if (part_.shared_) {
        flow.hidden += part_.shared_->forward(weights.own, flow.normed, shared_);
        round_to(flow.hidden, part_.keeping_.formats.rest);
        normed_again_ = std::move(flow.normed_again);
      }
      flow.normed_again = {};
      flow.normed = {};
      part_.routed_maths_.forward(weights.routed, flow.rows, routed_);
      if (part_.with_exchange_) combine_.forward({}, flow);
    }

    void input_backward(PartNumbers<const Real> weights, Flow<Real>& flow) override {
      if (part_.with_exchange_) combine_.input_backward({}, flow);
      if (part_.shared_) {
        flow.normed = part_.shared_->input_backward(weights.own, flow.hidden, shared_);
        normed_ = normed_again_();
        normed_again_ = {};
      } else {
        flow.normed = Matrix<Real>(flow.hidden.rows(), flow.hidden.columns());
      }
      part_.routed_maths_.input_backward(weights.routed, flow.rows, routed_);
      if (part_.with_exchange_) dispatch_.input_backward({}, flow);
    }

    int weight_pieces() const override { return static_cast<int>(routed_.sources.size()); }
    void weight_backward(int piece, PartNumbers<Real> gradients) override {
      if (piece == 0 && part_.shared_) part_.shared_->weight_backward(shared_, normed_->values(), gradients.own);
      part_.routed_maths_.weight_backward(routed_.sources[piece], gradients.routed);
    }

   private:
    const ExpertsPart& part_;
    DispatchRun<Real> dispatch_;
    CombineRun<Real> combine_;
    typename FeedForward<Real>::Saved shared_;
    std::function<std::shared_ptr<const Kept<Real>>()> normed_again_;  // what the shared expert read; until I ...
    std::shared_ptr<const Kept<Real>> normed_;                         // ... and for W
    typename Experts<Real>::Saved routed_;
  };

  int held_;
  Keeping keeping_;
  Experts<Real> routed_maths_;
  std::optional<FeedForward<Real>> shared_;
  Dispatch<Real> dispatch_;
  Combine<Real> combine_;
  bool with_exchange_;
};

template <typename Real>
std::unique_ptr<Part<Real>> make_attention(const Model& model, const PartShape& shape,
                                           const Arithmetic<Real>& arithmetic) {
  using AttentionPart = HiddenPart<Real, Attention<Real>>;
  using MlaPart = HiddenPart<Real, Mla<Real>>;
  if (model.attention.is_mla())
    return std::make_unique<MlaPart>(shape, model, shape.sequence, shape.keeping(), arithmetic);
  return std::make_unique<AttentionPart>(shape, model, shape.sequence, shape.keeping(), arithmetic);
}

// 0: of the main model.
int mtp_depth_of(int layer, const Model& model) {
  return std::max(layer - model.layers, 0);
}

template <typename Real>
std::unique_ptr<Part<Real>> make_kept_part(Component component, int layer, const Model& model, const PartShape& shape,
                                           bool with_exchange, const Arithmetic<Real>& arithmetic) {
  using DispatchPart = ExchangePart<Real, Dispatch<Real>, DispatchRun<Real>>;
  using CombinePart = ExchangePart<Real, Combine<Real>, CombineRun<Real>>;
  using MlpPart = HiddenPart<Real, Mlp<Real>>;
  switch (component) {
    case Component::kStage:
    case Component::kWait:
      return std::make_unique<NothingPart<Real>>();
    case Component::kEmbed:
      if (mtp_depth_of(layer, model) == 0) return std::make_unique<EmbedPart<Real>>(model, shape);
      return std::make_unique<MtpInputPart<Real>>(model, shape, mtp_depth_of(layer, model), arithmetic.mlp);
    case Component::kAttention:
      return make_attention(model, shape, arithmetic);
    case Component::kRouter:
      return std::make_unique<RouterPart<Real>>(shape, model, arithmetic.precise);
    case Component::kDispatch:
      return std::make_unique<DispatchPart>(model, shape);
    case Component::kExperts:
      return std::make_unique<ExpertsPart<Real>>(model, shape, with_exchange, arithmetic.mlp);
    case Component::kMlp:
      return std::make_unique<MlpPart>(shape, model, shape.keeping(), arithmetic.mlp);
    case Component::kCombine:
      return std::make_unique<CombinePart>(model, shape);
    case Component::kHead:
      return std::make_unique<HeadPart<Real>>(model, shape, mtp_depth_of(layer, model), arithmetic.precise);
  }
  check_failed("a component", __FILE__, __LINE__);
}

}  // namespace

template <typename Real>
std::unique_ptr<Part<Real>> make_part(Component component, int layer, const Model& model, const PartShape& shape,
                                      bool with_exchange, const Arithmetic<Real>& arithmetic) {
  auto part = make_kept_part(component, layer, model, shape, with_exchange, arithmetic);
  if (shape.recompute != Recompute::kFull || !is_recomputed(component)) return part;
  return recomputed_part(std::move(part), component == Component::kAttention, shape.formats.rest);
}

template std::unique_ptr<Part<float>> make_part(Component, int, const Model&, const PartShape&, bool,
                                                const Arithmetic<float>&);
template std::unique_ptr<Part<double>> make_part(Component, int, const Model&, const PartShape&, bool,
                                                 const Arithmetic<double>&);

}  // namespace pipeloom::backend
