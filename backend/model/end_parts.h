#pragma once

#include "backend/model/embedding.h"
#include "backend/model/head.h"
#include "backend/model/mtp_input.h"
#include "backend/model/part.h"

namespace pipeloom::backend {

// The parts at the ends of a model, which use its tables.
template <typename Real>
class EmbedPart : public Part<Real> {
 public:
  EmbedPart(const Model& model, const PartShape& shape)
      : maths_(this->own_, model, shape.sequence, shape.keeping()), stream_(shape.formats.rest) {
    this->tables_[number_of(Table::kTokens)] = table_parameter(Table::kTokens, model);
  }
  std::unique_ptr<PartRun<Real>> start() const override { return std::make_unique<Run>(maths_, stream_); }

 private:
  class Run : public PartRun<Real> {
   public:
    Run(const Embedding<Real>& maths, Format stream) : maths_(maths), stream_(stream) {}
    void forward(PartNumbers<const Real> weights, Flow<Real>& flow) override {
      flow.hidden =
          rounded_to(maths_.forward(weights.own, weights.table(Table::kTokens), flow.tokens, saved_), stream_);
    }
    void input_backward(PartNumbers<const Real> /*weights*/, Flow<Real>& flow) override {
      maths_.input_backward(flow.hidden, saved_);
      flow.hidden = {};
    }
    void weight_backward(int /*piece*/, PartNumbers<Real> gradients) override {
      maths_.weight_backward(saved_, gradients.own, gradients.table(Table::kTokens));
    }

   private:
    const Embedding<Real>& maths_;
    Format stream_;
    typename Embedding<Real>::Saved saved_;
  };
  Embedding<Real> maths_;
  Format stream_;
};

// Of an MTP module: number `depth` from 1 reads the tokens that number depth - 1 predicts.
template <typename Real>
class MtpInputPart : public Part<Real> {
 public:
  MtpInputPart(const Model& model, const PartShape& shape, int depth, const Products<Real>& products)
      : maths_(this->own_, model, shape.keeping(), products), stream_(shape.formats.rest), depth_(depth) {
    this->tables_[number_of(Table::kTokens)] = table_parameter(Table::kTokens, model);
  }
  std::unique_ptr<PartRun<Real>> start() const override { return std::make_unique<Run>(*this); }

 private:
  class Run : public PartRun<Real> {
   public:
    explicit Run(const MtpInputPart& part) : part_(part) {}
    void forward(PartNumbers<const Real> weights, Flow<Real>& flow) override {
      flow.hidden = rounded_to(part_.maths_.forward(weights.own, weights.table(Table::kTokens), flow.hidden,
                                                    flow.targets.at(part_.depth_ - 1), saved_),
                               part_.stream_);
    }
    void input_backward(PartNumbers<const Real> weights, Flow<Real>& flow) override {
      flow.hidden = rounded_to(part_.maths_.input_backward(weights.own, flow.hidden, saved_), part_.stream_);
    }
    void weight_backward(int /*piece*/, PartNumbers<Real> gradients) override {
      part_.maths_.weight_backward(saved_, gradients.own, gradients.table(Table::kTokens));
    }

   private:
    const MtpInputPart& part_;
    typename MtpInput<Real>::Saved saved_;
  };
  MtpInput<Real> maths_;
  Format stream_;
  int depth_;
};

// Of the main model (depth 0) or of an MTP module. Where another module follows, it reads what the head reads.
template <typename Real>
class HeadPart : public Part<Real> {
 public:
  HeadPart(const Model& model, const PartShape& shape, int depth, const Products<Real>& products)
      : loss_weight_(depth == 0 ? 1 : model.mtp_loss_weight / model.mtp_depth),
        maths_(this->own_, model, shape.loss_scale * loss_weight_, shape.keeping(), products),
        stream_(shape.formats.rest),
        depth_(depth),
        is_last_(depth == model.mtp_depth) {
    this->tables_[number_of(Table::kLogits)] = table_parameter(Table::kLogits, model);
  }
  std::unique_ptr<PartRun<Real>> start() const override { return std::make_unique<Run>(*this); }

 private:
  class Run : public PartRun<Real> {
   public:
    explicit Run(const HeadPart& part) : part_(part) {}
    void forward(PartNumbers<const Real> weights, Flow<Real>& flow) override {
      const double loss = part_.maths_.forward(weights.own, weights.table(Table::kLogits), flow.hidden,
                                               flow.targets.at(part_.depth_), saved_);
      (part_.depth_ == 0 ? flow.loss : flow.mtp_loss) += loss;
      if (part_.depth_ > 0) flow.further_loss += part_.loss_weight_ * loss;
      if (part_.is_last_) flow.hidden = {};
    }
    void input_backward(PartNumbers<const Real> weights, Flow<Real>& flow) override {
      Matrix<Real> gradient = part_.maths_.input_backward(weights.own, weights.table(Table::kLogits), saved_);
      if (!part_.is_last_) gradient += flow.hidden;
      flow.hidden = rounded_to(std::move(gradient), part_.stream_);
    }
    void weight_backward(int /*piece*/, PartNumbers<Real> gradients) override {
      part_.maths_.weight_backward(saved_, gradients.own, gradients.table(Table::kLogits));
    }

   private:
    const HeadPart& part_;
    typename Head<Real>::Saved saved_;
  };
  double loss_weight_;
  Head<Real> maths_;
  Format stream_;
  int depth_;
  bool is_last_;
};

}  // namespace pipeloom::backend
