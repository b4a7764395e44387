#include "backend/model/mla.h"

#include <algorithm>

namespace pipeloom::backend {

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
Mla<Real>::Mla(ParameterBlock& block, const Model& model, int64_t sequence, const Keeping& keeping,
               const Arithmetic<Real>& arithmetic)
    : shape_(model.attention),
      head_width_(shape_.head_dim + shape_.rope_dim),
      keeping_(keeping),
      norm_(block, "norm", model.hidden, keeping.formats.rest),
      down_(block.add_product("down", model.hidden, shape_.kv_lora_rank + shape_.rope_dim)),
      latent_norm_(block, "latent_norm", shape_.kv_lora_rank, keeping.formats.rest),
      up_(block.add_product("up", shape_.kv_lora_rank, int64_t{shape_.heads} * (shape_.head_dim + shape_.value_dim))),
      output_(block.add_product("output", int64_t{shape_.heads} * shape_.value_dim, model.hidden)),
      rope_(sequence, shape_.rope_dim),
      core_({sequence, shape_.heads, shape_.heads, head_width_, shape_.value_dim}, arithmetic.precise),
      products_(arithmetic.attention) {
  int64_t query_input = model.hidden;
  if (shape_.q_lora_rank > 0) {
    query_down_ = block.add_product("query_down", model.hidden, shape_.q_lora_rank);
    query_norm_.emplace(block, "query_norm", shape_.q_lora_rank, keeping.formats.rest);
    query_input = shape_.q_lora_rank;
  }
  query_ = block.add_product("query", query_input, shape_.heads * head_width_);
}

// The latents are rounded before their norms, which keep them so.
template <typename Real>
void Mla<Real>::compress(const Real* weights, Operands& operands, Saved& saved) const {
  const Format rest = keeping_.formats.rest;
  if (query_norm_) {
    const auto down = rounded_to(products_.times(operands.normed.view(), query_down_.of(weights)), rest);
    operands.query_latent = query_norm_->forward(weights, down.view(), saved.query_norm);
  }
  const auto down = rounded_to(products_.times(operands.normed.view(), down_.of(weights)), rest);
  operands.latent = latent_norm_.forward(weights, down.view().columns_at(0, shape_.kv_lora_rank), saved.latent_norm);
  operands.shared_key = Matrix<Real>(down.rows(), shape_.rope_dim);
  copy<Real>(down.view().columns_at(shape_.kv_lora_rank, shape_.rope_dim), operands.shared_key.view());
  rope_.turn(operands.shared_key.view());
  round_to(operands.shared_key, rest);
}

template <typename Real>
void Mla<Real>::make_query(const Real* weights, Operands& operands) const {
  const Matrix<Real>& input = query_norm_ ? operands.query_latent : operands.normed;
  operands.query = products_.times(input.view(), query_.of(weights));
  for (int64_t head = 0; head < shape_.heads; ++head) {
    rope_.turn(operands.query.view().columns_at(head * head_width_ + shape_.head_dim, shape_.rope_dim));
  }
}

template <typename Real>
void Mla<Real>::make_key_and_value(const Real* weights, Operands& operands) const {
  const Matrix<Real> up = products_.times(operands.latent.view(), up_.of(weights));
  operands.key = Matrix<Real>(up.rows(), shape_.heads * head_width_);
  operands.value = Matrix<Real>(up.rows(), int64_t{shape_.heads} * shape_.value_dim);
  for (int64_t head = 0; head < shape_.heads; ++head) {
    const View<const Real> both =
        up.view().columns_at(head * (shape_.head_dim + shape_.value_dim), shape_.head_dim + shape_.value_dim);
    const View<Real> key = operands.key.view().columns_at(head * head_width_, head_width_);
    copy<Real>(both.columns_at(0, shape_.head_dim), key.columns_at(0, shape_.head_dim));
    copy<Real>(std::as_const(operands.shared_key).view(), key.columns_at(shape_.head_dim, shape_.rope_dim));
    copy<Real>(both.columns_at(shape_.head_dim, shape_.value_dim),
               operands.value.view().columns_at(head * shape_.value_dim, shape_.value_dim));
  }
}

// Queries that are not compressed are no up-projection: they stay.
template <typename Real>
void Mla<Real>::keep(const Operands& operands, Saved& saved) const {
  const Formats& formats = keeping_.formats;
  saved.shared_key = Kept<Real>(operands.shared_key, formats.rest);
  if (!keeping_.selective || !query_norm_) saved.query = Kept<Real>(operands.query, formats.rest);
  if (keeping_.selective) return;
  saved.normed = Kept<Real>(operands.normed, formats.cached);
  saved.query_latent = Kept<Real>(operands.query_latent, formats.cached);
  saved.latent = Kept<Real>(operands.latent, formats.cached);
  saved.key = Kept<Real>(operands.key, formats.rest);
  saved.value = Kept<Real>(operands.value, formats.rest);
}

template <typename Real>
typename Mla<Real>::Operands Mla<Real>::recall(const Real* weights, const Saved& saved) const {
  Operands operands;
  operands.shared_key = saved.shared_key.values();
  operands.query = saved.query.values();
  if (!keeping_.selective) {
    operands.key = saved.key.values();
    operands.value = saved.value.values();
    return operands;
  }
  operands.normed = norm_.output(weights, saved.norm);
  operands.latent = latent_norm_.output(weights, saved.latent_norm);
  if (query_norm_) {
    operands.query_latent = query_norm_->output(weights, saved.query_norm);
    make_query(weights, operands);
  }
  make_key_and_value(weights, operands);
  return operands;
}

template <typename Real>
Matrix<Real> Mla<Real>::forward(const Real* weights, Matrix<Real> x, Saved& saved) const {
  Operands operands;
  operands.normed = norm_.forward(weights, x.view(), saved.norm);
  compress(weights, operands, saved);
  make_query(weights, operands);
  make_key_and_value(weights, operands);
  Matrix<Real> statistics;
  const auto core =
      rounded_to(core_.forward({operands.query.view(), operands.key.view(), operands.value.view()}, statistics),
                 keeping_.formats.rest);
  products_.multiply(Form::kPlain, core.view(), output_.of(weights), x.view(), Into::kAdd);
  keep(operands, saved);
  saved.statistics = Kept<Real>(statistics, Format::kFp32);
  saved.core = Kept<Real>(core, keeping_.formats.cached_core);
  return x;
}

// What reaches the normed input by way of the queries.
template <typename Real>
Matrix<Real> Mla<Real>::query_backward(const Real* weights, Matrix<Real> query_gradient, Saved& saved) const {
  const Format kept = keeping_.formats.attention;
  for (int64_t head = 0; head < shape_.heads; ++head) {
    rope_.turn_back(query_gradient.view().columns_at(head * head_width_ + shape_.head_dim, shape_.rope_dim));
  }
  const Format rest = keeping_.formats.rest;
  round_to(query_gradient, rest);
  const Matrix<Real> gradient = products_.input_gradient(query_gradient.view(), query_.of(weights));
  saved.query_gradient = Kept<Real>(query_gradient, kept, Scales::kOfColumns);
  if (!query_norm_) return gradient;
  const auto down_gradient = rounded_to(query_norm_->input_backward(weights, gradient, saved.query_norm), rest);
  saved.query_down_gradient = Kept<Real>(down_gradient, kept, Scales::kOfColumns);
  return products_.input_gradient(down_gradient.view(), query_down_.of(weights));
}

// What reaches the normed input by way of keys and values.
template <typename Real>
Matrix<Real> Mla<Real>::key_and_value_backward(const Real* weights, const Matrix<Real>& key_gradient,
                                               const Matrix<Real>& value_gradient, Saved& saved) const {
  Matrix<Real> up_gradient(key_gradient.rows(), up_.columns);
  Matrix<Real> down_gradient(key_gradient.rows(), down_.columns);
  const View<Real> shared_key = down_gradient.view().columns_at(shape_.kv_lora_rank, shape_.rope_dim);
  for (int64_t head = 0; head < shape_.heads; ++head) {
    const View<Real> both =
        up_gradient.view().columns_at(head * (shape_.head_dim + shape_.value_dim), shape_.head_dim + shape_.value_dim);
    const View<const Real> key = key_gradient.view().columns_at(head * head_width_, head_width_);
    copy<Real>(key.columns_at(0, shape_.head_dim), both.columns_at(0, shape_.head_dim));
    copy<Real>(value_gradient.view().columns_at(head * shape_.value_dim, shape_.value_dim),
               both.columns_at(shape_.head_dim, shape_.value_dim));
    add_to<Real>(key.columns_at(shape_.head_dim, shape_.rope_dim), shared_key);
  }
  rope_.turn_back(shared_key);
  round_to(up_gradient, keeping_.formats.rest);
  const Matrix<Real> latent_gradient = latent_norm_.input_backward(
      weights, products_.input_gradient(up_gradient.view(), up_.of(weights)), saved.latent_norm);
  copy<Real>(latent_gradient.view(), down_gradient.view().columns_at(0, shape_.kv_lora_rank));
  round_to(down_gradient, keeping_.formats.rest);
  saved.up_gradient = Kept<Real>(up_gradient, keeping_.formats.attention, Scales::kOfColumns);
  saved.down_gradient = Kept<Real>(down_gradient, keeping_.formats.attention, Scales::kOfColumns);
  return products_.input_gradient(down_gradient.view(), down_.of(weights));
}

template <typename Real>
Matrix<Real> Mla<Real>::input_backward(const Real* weights, Matrix<Real> output_gradient, Saved& saved) const {
  const Matrix<Real> core_gradient = products_.input_gradient(output_gradient.view(), output_.of(weights));
  const Operands operands = recall(weights, saved);
  Matrix<Real> query_gradient(operands.query.rows(), operands.query.columns());
  Matrix<Real> key_gradient(operands.key.rows(), operands.key.columns());
  Matrix<Real> value_gradient(operands.value.rows(), operands.value.columns());
  core_.input_backward({operands.query.view(), operands.key.view(), operands.value.view()}, saved.statistics.values(),
                       core_gradient.view(), {query_gradient.view(), key_gradient.view(), value_gradient.view()});
  if (keeping_.selective) {
    saved.normed = Kept<Real>(operands.normed, keeping_.formats.attention, Scales::kOfColumns);
    saved.query_latent = Kept<Real>(operands.query_latent, keeping_.formats.attention, Scales::kOfColumns);
    saved.latent = Kept<Real>(operands.latent, keeping_.formats.attention, Scales::kOfColumns);
  }
  saved.shared_key = saved.query = saved.key = saved.value = saved.statistics = {};
  Matrix<Real> normed_gradient = query_backward(weights, std::move(query_gradient), saved);
  normed_gradient += key_and_value_backward(weights, key_gradient, value_gradient, saved);
  Matrix<Real> dx = norm_.input_backward(weights, normed_gradient, saved.norm);
  dx += output_gradient;
  saved.output_gradient = Kept<Real>(output_gradient, keeping_.formats.attention, Scales::kOfColumns);
  return dx;
}

template <typename Real>
void Mla<Real>::weight_backward(const Saved& saved, Real* gradients) const {
  const Matrix<Real> normed = saved.normed.values();
  norm_.weight_backward(saved.norm, gradients);
  if (query_norm_) {
    query_norm_->weight_backward(saved.query_norm, gradients);
    products_.add_weight_gradient(normed.view(), saved.query_down_gradient.values().view(), query_down_.of(gradients));
  }
  const Matrix<Real> query_input = query_norm_ ? saved.query_latent.values() : normed;
  products_.add_weight_gradient(query_input.view(), saved.query_gradient.values().view(), query_.of(gradients));
  products_.add_weight_gradient(normed.view(), saved.down_gradient.values().view(), down_.of(gradients));
  latent_norm_.weight_backward(saved.latent_norm, gradients);
  products_.add_weight_gradient(saved.latent.values().view(), saved.up_gradient.values().view(), up_.of(gradients));
  products_.add_weight_gradient(saved.core.values().view(), saved.output_gradient.values().view(),
                                output_.of(gradients));
}

template class Mla<float>;
template class Mla<double>;

}  // namespace pipeloom::backend
