#include "backend/model/attention.h"

namespace pipeloom {

template <typename Real>
Attention<Real>::Attention(ParameterBlock& block, const Model& model, int64_t sequence,
                           const Arithmetic<Real>& arithmetic)
    : query_width_(int64_t{model.attention.heads} * model.attention.head_dim),
      key_width_(int64_t{model.attention.kv_heads} * model.attention.head_dim),
      value_width_(int64_t{model.attention.kv_heads} * model.attention.value_dim),
      turned_heads_(model.learned_positions > 0 ? 0 : model.attention.heads + model.attention.kv_heads),
      head_dim_(model.attention.head_dim),
      norm_(block, "norm", model.hidden),
      query_key_value_(block.add_product("query_key_value", model.hidden, query_width_ + key_width_ + value_width_)),
      output_(block.add_product("output", int64_t{model.attention.heads} * model.attention.value_dim, model.hidden)),
      rope_(sequence, turned_heads_ > 0 ? head_dim_ : 0),
      core_({sequence, model.attention.heads, model.attention.kv_heads, head_dim_, model.attention.value_dim},
            arithmetic.precise),
      products_(arithmetic.linear) {}

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
  saved.normed = norm_.forward(weights, x.view(), saved.norm);
  saved.query_key_value = products_.times(saved.normed.view(), query_key_value_.of(weights));
  for_each_turned_head(saved.query_key_value.view(), [&](View<Real> head) { rope_.turn(head); });
  saved.core = core_.forward(core_inputs(saved.query_key_value.view()));
  products_.multiply(Form::kPlain, saved.core.view(), output_.of(weights), x.view(), Into::kAdd);
  return x;
}

template <typename Real>
Matrix<Real> Attention<Real>::input_backward(const Real* weights, Matrix<Real> output_gradient, Saved& saved) const {
  const Matrix<Real> core_gradient = products_.input_gradient(output_gradient.view(), output_.of(weights));
  Matrix<Real>& inner = saved.query_key_value_gradient = Matrix<Real>(output_gradient.rows(), query_key_value_.columns);
  core_.input_backward(core_inputs(saved.query_key_value.view()), core_gradient.view(),
                       {inner.view().columns_at(0, query_width_), inner.view().columns_at(query_width_, key_width_),
                        inner.view().columns_at(query_width_ + key_width_, value_width_)});
  for_each_turned_head(inner.view(), [&](View<Real> head) { rope_.turn_back(head); });
  Matrix<Real> dx =
      norm_.input_backward(weights, products_.input_gradient(inner.view(), query_key_value_.of(weights)), saved.norm);
  dx += output_gradient;
  saved.output_gradient = std::move(output_gradient);
  return dx;
}

template <typename Real>
void Attention<Real>::weight_backward(const Saved& saved, Real* gradients) const {
  norm_.weight_backward(saved.norm, gradients);
  products_.add_weight_gradient(saved.normed.view(), saved.query_key_value_gradient.view(),
                                query_key_value_.of(gradients));
  products_.add_weight_gradient(saved.core.view(), saved.output_gradient.view(), output_.of(gradients));
}

template <typename Real>
void Attention<Real>::forget(Saved& saved) const {
  saved.normed = {};
}

template <typename Real>
void Attention<Real>::recall(const Real* weights, Saved& saved) const {
  saved.normed = norm_.output(weights, saved.norm);
}

template class Attention<float>;
template class Attention<double>;

}  // namespace pipeloom
