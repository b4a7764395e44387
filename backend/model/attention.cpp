#include "backend/model/attention.h"

namespace pipeloom::backend {

template <typename Real>
Attention<Real>::Attention(ParameterBlock& block, const Model& model, int64_t sequence, const Keeping& keeping,
                           const Arithmetic<Real>& arithmetic)
    : query_width_(int64_t{model.attention.heads} * model.attention.head_dim),
      key_width_(int64_t{model.attention.kv_heads} * model.attention.head_dim),
      value_width_(int64_t{model.attention.kv_heads} * model.attention.value_dim),
      turned_heads_(model.learned_positions > 0 ? 0 : model.attention.heads + model.attention.kv_heads),
      head_dim_(model.attention.head_dim),
      keeping_(keeping),
      norm_(block, "norm", model.hidden, keeping.formats.rest),
      query_key_value_(block.add_product("query_key_value", model.hidden, query_width_ + key_width_ + value_width_)),
      output_(block.add_product("output", int64_t{model.attention.heads} * model.attention.value_dim, model.hidden)),
      rope_(sequence, turned_heads_ > 0 ? head_dim_ : 0),
      core_({sequence, model.attention.heads, model.attention.kv_heads, head_dim_, model.attention.value_dim},
            arithmetic.precise),
      products_(arithmetic.attention) {}

template <typename Real>
template <typename Rotate>
void Attention<Real>::for_each_turned_head(View<Real> query_key_value, const Rotate& rotate) const {
  for (int64_t head = 0; head < turned_heads_; ++head) rotate(query_key_value.columns_at(head * head_dim_, head_dim_));
}

template <typename Real>
typename AttentionCore<Real>::Inputs Attention<Real>::core_inputs(View<const Real> query_key_value) const {
  return {query_key_value.columns_at(0, query_width_), query_key_value.columns_at(query_width_, key_width_),
          query_key_value.columns_at(query_width_ + key_width_, value_width_)};
}

template <typename Real>
Matrix<Real> Attention<Real>::forward(const Real* weights, Matrix<Real> x, Saved& saved) const {
  const Formats& formats = keeping_.formats;
  const Matrix<Real> normed = norm_.forward(weights, x.view(), saved.norm);
  Matrix<Real> inner = products_.times(normed.view(), query_key_value_.of(weights));
  for_each_turned_head(inner.view(), [&](View<Real> head) { rope_.turn(head); });
  Matrix<Real> statistics;
  const auto core = rounded_to(core_.forward(core_inputs(std::as_const(inner).view()), statistics), formats.rest);
  products_.multiply(Form::kPlain, core.view(), output_.of(weights), x.view(), Into::kAdd);
  if (!keeping_.selective) saved.normed = Kept<Real>(normed, formats.cached);
  saved.query_key_value = Kept<Real>(inner, formats.rest);
  saved.statistics = Kept<Real>(statistics, Format::kFp32);
  saved.core = Kept<Real>(core, formats.cached_core);
  return x;
}

template <typename Real>
Matrix<Real> Attention<Real>::input_backward(const Real* weights, Matrix<Real> output_gradient, Saved& saved) const {
  const Formats& formats = keeping_.formats;
  const Matrix<Real> core_gradient = products_.input_gradient(output_gradient.view(), output_.of(weights));
  const Matrix<Real> kept = saved.query_key_value.values();
  Matrix<Real> inner(output_gradient.rows(), query_key_value_.columns);
  core_.input_backward(core_inputs(kept.view()), saved.statistics.values(), core_gradient.view(),
                       {inner.view().columns_at(0, query_width_), inner.view().columns_at(query_width_, key_width_),
                        inner.view().columns_at(query_width_ + key_width_, value_width_)});
  for_each_turned_head(inner.view(), [&](View<Real> head) { rope_.turn_back(head); });
  round_to(inner, formats.rest);
  if (keeping_.selective) {
    saved.normed = Kept<Real>(norm_.output(weights, saved.norm), formats.attention, Scales::kOfColumns);
  }
  Matrix<Real> dx =
      norm_.input_backward(weights, products_.input_gradient(inner.view(), query_key_value_.of(weights)), saved.norm);
  dx += output_gradient;
  saved.query_key_value = saved.statistics = {};
  saved.query_key_value_gradient = Kept<Real>(inner, formats.attention, Scales::kOfColumns);
  saved.output_gradient = Kept<Real>(output_gradient, formats.attention, Scales::kOfColumns);
  return dx;
}

template <typename Real>
void Attention<Real>::weight_backward(const Saved& saved, Real* gradients) const {
  norm_.weight_backward(saved.norm, gradients);
  products_.add_weight_gradient(saved.normed.values().view(), saved.query_key_value_gradient.values().view(),
                                query_key_value_.of(gradients));
  products_.add_weight_gradient(saved.core.values().view(), saved.output_gradient.values().view(),
                                output_.of(gradients));
}

template class Attention<float>;
template class Attention<double>;

}  // namespace pipeloom::backend
