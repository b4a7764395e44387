#include "backend/model/mla.h"

#include <algorithm>

namespace pipeloom {

namespace {

template <typename Real>
void copy(View<const Real> from, View<Real> to) {
  for (int64_t i = 0; i < from.rows; ++i) std::copy_n(from.row(i), from.columns, to.row(i));
}

template <typename Real>
void add_to(View<const Real> from, View<Real> to) {
  for (int64_t i = 0; i < from.rows; ++i) {
    for (int64_t j = 0; j < from.columns; ++j) to.row(i)[j] += from.row(i)[j];
  }
}

}  // namespace

template <typename Real>
Mla<Real>::Mla(ParameterBlock& block, const Model& model, int64_t sequence, const Arithmetic<Real>& arithmetic)
    : shape_(model.attention),
      head_width_(shape_.head_dim + shape_.rope_dim),
      norm_(block, "norm", model.hidden),
      down_(block.add_product("down", model.hidden, shape_.kv_lora_rank + shape_.rope_dim)),
      latent_norm_(block, "latent_norm", shape_.kv_lora_rank),
      up_(block.add_product("up", shape_.kv_lora_rank, int64_t{shape_.heads} * (shape_.head_dim + shape_.value_dim))),
      output_(block.add_product("output", int64_t{shape_.heads} * shape_.value_dim, model.hidden)),
      rope_(sequence, shape_.rope_dim),
      core_({sequence, shape_.heads, shape_.heads, head_width_, shape_.value_dim}, arithmetic.precise),
      products_(arithmetic.linear) {
  int64_t query_input = model.hidden;
  if (shape_.q_lora_rank > 0) {
    query_down_ = block.add_product("query_down", model.hidden, shape_.q_lora_rank);
    query_norm_.emplace(block, "query_norm", shape_.q_lora_rank);
    query_input = shape_.q_lora_rank;
  }
  query_ = block.add_product("query", query_input, shape_.heads * head_width_);
}

template <typename Real>
void Mla<Real>::compress(const Real* weights, Saved& saved) const {
  if (query_norm_) {
    const Matrix<Real> down = products_.times(saved.normed.view(), query_down_.of(weights));
    saved.query_latent = query_norm_->forward(weights, down.view(), saved.query_norm);
  }
  const Matrix<Real> down = products_.times(saved.normed.view(), down_.of(weights));
  saved.latent = latent_norm_.forward(weights, down.view().columns_at(0, shape_.kv_lora_rank), saved.latent_norm);
  saved.shared_key = Matrix<Real>(down.rows(), shape_.rope_dim);
  copy<Real>(down.view().columns_at(shape_.kv_lora_rank, shape_.rope_dim), saved.shared_key.view());
  rope_.turn(saved.shared_key.view());
}

template <typename Real>
void Mla<Real>::make_query(const Real* weights, Saved& saved) const {
  const Matrix<Real>& input = query_norm_ ? saved.query_latent : saved.normed;
  saved.query = products_.times(input.view(), query_.of(weights));
  for (int64_t head = 0; head < shape_.heads; ++head) {
    rope_.turn(saved.query.view().columns_at(head * head_width_ + shape_.head_dim, shape_.rope_dim));
  }
}

template <typename Real>
void Mla<Real>::make_key_and_value(const Real* weights, Saved& saved) const {
  const Matrix<Real> up = products_.times(saved.latent.view(), up_.of(weights));
  saved.key = Matrix<Real>(up.rows(), shape_.heads * head_width_);
  saved.value = Matrix<Real>(up.rows(), int64_t{shape_.heads} * shape_.value_dim);
  for (int64_t head = 0; head < shape_.heads; ++head) {
    const View<const Real> both =
        up.view().columns_at(head * (shape_.head_dim + shape_.value_dim), shape_.head_dim + shape_.value_dim);
    const View<Real> key = saved.key.view().columns_at(head * head_width_, head_width_);
    copy<Real>(both.columns_at(0, shape_.head_dim), key.columns_at(0, shape_.head_dim));
    copy<Real>(saved.shared_key.view(), key.columns_at(shape_.head_dim, shape_.rope_dim));
    copy<Real>(both.columns_at(shape_.head_dim, shape_.value_dim),
               saved.value.view().columns_at(head * shape_.value_dim, shape_.value_dim));
  }
}

template <typename Real>
Matrix<Real> Mla<Real>::forward(const Real* weights, Matrix<Real> x, Saved& saved) const {
  saved.normed = norm_.forward(weights, x.view(), saved.norm);
  compress(weights, saved);
  make_query(weights, saved);
  make_key_and_value(weights, saved);
  saved.core = core_.forward({saved.query.view(), saved.key.view(), saved.value.view()});
  products_.multiply(Form::kPlain, saved.core.view(), output_.of(weights), x.view(), Into::kAdd);
  return x;
}

// What reaches the normed input by way of the queries.
template <typename Real>
Matrix<Real> Mla<Real>::query_backward(const Real* weights, Saved& saved) const {
  for (int64_t head = 0; head < shape_.heads; ++head) {
    rope_.turn_back(saved.query_gradient.view().columns_at(head * head_width_ + shape_.head_dim, shape_.rope_dim));
  }
  Matrix<Real> gradient = products_.input_gradient(saved.query_gradient.view(), query_.of(weights));
  if (!query_norm_) return gradient;
  saved.query_down_gradient = query_norm_->input_backward(weights, std::move(gradient), saved.query_norm);
  return products_.input_gradient(saved.query_down_gradient.view(), query_down_.of(weights));
}

// What reaches the normed input by way of keys and values.
template <typename Real>
Matrix<Real> Mla<Real>::key_and_value_backward(const Real* weights, Matrix<Real> key_gradient,
                                               const Matrix<Real>& value_gradient, Saved& saved) const {
  saved.up_gradient = Matrix<Real>(key_gradient.rows(), up_.columns);
  saved.down_gradient = Matrix<Real>(key_gradient.rows(), down_.columns);
  const View<Real> shared_key = saved.down_gradient.view().columns_at(shape_.kv_lora_rank, shape_.rope_dim);
  for (int64_t head = 0; head < shape_.heads; ++head) {
    const View<Real> both = saved.up_gradient.view().columns_at(head * (shape_.head_dim + shape_.value_dim),
                                                                shape_.head_dim + shape_.value_dim);
    const View<Real> key = key_gradient.view().columns_at(head * head_width_, head_width_);
    copy<Real>(key.columns_at(0, shape_.head_dim), both.columns_at(0, shape_.head_dim));
    copy<Real>(value_gradient.view().columns_at(head * shape_.value_dim, shape_.value_dim),
               both.columns_at(shape_.head_dim, shape_.value_dim));
    add_to<Real>(key.columns_at(shape_.head_dim, shape_.rope_dim), shared_key);
  }
  rope_.turn_back(shared_key);
  const Matrix<Real> latent_gradient = latent_norm_.input_backward(
      weights, products_.input_gradient(saved.up_gradient.view(), up_.of(weights)), saved.latent_norm);
  copy<Real>(latent_gradient.view(), saved.down_gradient.view().columns_at(0, shape_.kv_lora_rank));
  return products_.input_gradient(saved.down_gradient.view(), down_.of(weights));
}

template <typename Real>
Matrix<Real> Mla<Real>::input_backward(const Real* weights, Matrix<Real> output_gradient, Saved& saved) const {
  const Matrix<Real> core_gradient = products_.input_gradient(output_gradient.view(), output_.of(weights));
  saved.query_gradient = Matrix<Real>(saved.query.rows(), saved.query.columns());
  Matrix<Real> key_gradient(saved.key.rows(), saved.key.columns());
  Matrix<Real> value_gradient(saved.value.rows(), saved.value.columns());
  core_.input_backward({saved.query.view(), saved.key.view(), saved.value.view()}, core_gradient.view(),
                       {saved.query_gradient.view(), key_gradient.view(), value_gradient.view()});
  Matrix<Real> normed_gradient = query_backward(weights, saved);
  normed_gradient += key_and_value_backward(weights, std::move(key_gradient), value_gradient, saved);
  Matrix<Real> dx = norm_.input_backward(weights, std::move(normed_gradient), saved.norm);
  dx += output_gradient;
  saved.output_gradient = std::move(output_gradient);
  return dx;
}

template <typename Real>
void Mla<Real>::weight_backward(const Saved& saved, Real* gradients) const {
  norm_.weight_backward(saved.norm, gradients);
  if (query_norm_) {
    query_norm_->weight_backward(saved.query_norm, gradients);
    products_.add_weight_gradient(saved.normed.view(), saved.query_down_gradient.view(), query_down_.of(gradients));
  }
  const Matrix<Real>& query_input = query_norm_ ? saved.query_latent : saved.normed;
  products_.add_weight_gradient(query_input.view(), saved.query_gradient.view(), query_.of(gradients));
  products_.add_weight_gradient(saved.normed.view(), saved.down_gradient.view(), down_.of(gradients));
  latent_norm_.weight_backward(saved.latent_norm, gradients);
  products_.add_weight_gradient(saved.latent.view(), saved.up_gradient.view(), up_.of(gradients));
  products_.add_weight_gradient(saved.core.view(), saved.output_gradient.view(), output_.of(gradients));
}

// Queries that are not compressed are no up-projection: they stay.
template <typename Real>
void Mla<Real>::forget(Saved& saved) const {
  if (query_norm_) saved.query_latent = saved.query = {};
  saved.normed = saved.latent = saved.key = saved.value = {};
}

template <typename Real>
void Mla<Real>::recall(const Real* weights, Saved& saved) const {
  saved.normed = norm_.output(weights, saved.norm);
  saved.latent = latent_norm_.output(weights, saved.latent_norm);
  if (query_norm_) {
    saved.query_latent = query_norm_->output(weights, saved.query_norm);
    make_query(weights, saved);
  }
  make_key_and_value(weights, saved);
}

template class Mla<float>;
template class Mla<double>;

}  // namespace pipeloom
