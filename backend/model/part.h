#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "backend/model/arithmetic.h"
#include "backend/model/flow.h"
#include "backend/model/keeping.h"
#include "backend/model/parameters.h"
#include "backend/model/tables.h"
#include "core/costs/component.h"
#include "core/job/job.h"
#include "core/job/model.h"

namespace pipeloom::backend {

// Where a part's parameters (or their gradients) begin: what all replicas of a stage share; the routed experts, which
// an EP group spreads over its ranks; and the tables that the part uses.
template <typename Real>
struct PartNumbers {
  Real* own = nullptr;
  Real* routed = nullptr;
  OfTables<Real*> tables = {};

  Real* table(Table which) const { return tables[number_of(which)]; }
};

// One component of one layer at work on one micro-batch; holds what F saves for I, and I for W. Each is called once, in
// this order; calls on different runs may be concurrent.
template <typename Real>
class PartRun {
 public:
  virtual ~PartRun() = default;
  virtual void forward(PartNumbers<const Real> weights, Flow<Real>& flow) = 0;
  virtual void input_backward(PartNumbers<const Real> weights, Flow<Real>& flow) = 0;
  // W comes in pieces whose sums don't depend on each other: one per source rank of experts, else one. Each adds to
  // `gradients`.
  virtual int weight_pieces() const { return 1; }
  virtual void weight_backward(int /*piece*/, PartNumbers<Real> /*gradients*/) {}
};

// The run of dispatch or combine: each pass in two halves, between which the packages travel.
template <typename Real>
class ExchangeRun : public PartRun<Real> {
 public:
  using Packages = std::vector<ExpertRows<Real>>;  // [member]

  virtual Packages pack_forward(Flow<Real>& flow) = 0;
  virtual void unpack_forward(Packages received, Flow<Real>& flow) = 0;
  virtual Packages pack_backward(Flow<Real>& flow) = 0;
  virtual void unpack_backward(Packages received, Flow<Real>& flow) = 0;
  // Of a combine: the layer that runs F again before its I. nullptr: none does.
  virtual RecomputedLayer<Real>* recomputed() const { return nullptr; }

  // A rank alone.
  void forward(PartNumbers<const Real> /*weights*/, Flow<Real>& flow) final {
    unpack_forward(pack_forward(flow), flow);
  }
  void input_backward(PartNumbers<const Real> /*weights*/, Flow<Real>& flow) final {
    unpack_backward(pack_backward(flow), flow);
  }
  int weight_pieces() const final { return 0; }
};

// A component of a layer: its parameters and its maths. Immutable.
template <typename Real>
class Part {
 public:
  virtual ~Part() = default;
  virtual std::unique_ptr<PartRun<Real>> start() const = 0;
  const ParameterBlock& own() const { return own_; }
  const ParameterBlock& routed() const { return routed_; }
  // nullopt: it does not use it.
  const std::optional<Parameter>& table(Table which) const { return tables_[number_of(which)]; }

 protected:
  ParameterBlock own_;
  ParameterBlock routed_;
  OfTables<std::optional<Parameter>> tables_;
};

// What a part's maths need to know beside the model.
struct PartShape {
  int64_t sequence = 1;   // tokens
  int ep_ranks = 1;       // members of the EP group ...
  int ep_rank = 0;        // ... and which of them this is
  double loss_scale = 1;  // of the sum of the tokens' losses
  // kFull: a layer keeps its input, from which I runs F again; kSelective: norms and up-projections.
  Recompute recompute = Recompute::kNone;
  Formats formats = Keeping::exact();

  Keeping keeping() const { return {formats, recompute == Recompute::kSelective}; }
  BalanceShape balance() const { return {sequence, loss_scale}; }
};

// Whether full recomputation runs a component's F again: those of layers. Embedding, head and what is before an MTP
// module's layer keep what they need.
inline bool is_recomputed(Component component) {
  return component == Component::kAttention || component == Component::kMlp || component == Component::kRouter ||
         component == Component::kExperts;
}

// `layer` as ComponentCost::layer: beyond the model's layers and its head come MTP modules.
// `with_exchange`: experts dispatch and combine by themselves, because the stage's program has no components for it.
template <typename Real>
std::unique_ptr<Part<Real>> make_part(Component component, int layer, const Model& model, const PartShape& shape,
                                      bool with_exchange, const Arithmetic<Real>& arithmetic);

}  // namespace pipeloom::backend
