#include "backend/model/chunk_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "backend/model/fixed_point.h"
#include "core/base/digest.h"

namespace pipeloom::backend {

namespace {

// The numbers that all replicas have of one range, added in their order.
template <typename Number>
void add_replicas(const std::vector<std::vector<std::byte>>& replicas, std::span<Number> sums) {
  std::fill(sums.begin(), sums.end(), Number{0});
  std::vector<Number> numbers(sums.size());
  for (const std::vector<std::byte>& replica : replicas) {
    PIPELOOM_THROW_UNLESS(replica.size() == sums.size_bytes());
    std::ranges::copy(replica, std::as_writable_bytes(std::span(numbers)).begin());
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += numbers[i];
  }
}

template <typename Number>
std::vector<std::byte> bytes_of(std::span<const Number> numbers) {
  const auto bytes = std::as_bytes(numbers);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

ChunkState::ChunkState(const Stage<float>& stage, Sums sums, int64_t contributions, uint64_t seed)
    : stage_(&stage),
      sums_(sums),
      contributions_(contributions),
      weights_(stage.size()),
      float_sums_(sums == Sums::kFloat ? stage.size() : 0),
      fixed_sums_(sums == Sums::kFixedPoint ? stage.size() : 0) {
  for (const StageParameter& parameter : stage.parameters()) {
    fill_initial(parameter, seed, weights_.data() + parameter.offset);
    if (parameter.parameter.kind == ParameterKind::kLoadBias) {
      biases_.push_back({parameter.offset, parameter.parameter.size()});
    }
  }
}

void ChunkState::own_moments(std::span<const NumberRange> ranges, Format format) {
  PIPELOOM_THROW_UNLESS(moments_.empty());
  for (const NumberRange& range : ranges) moments_.emplace_back(range, format);
}

void ChunkState::forward(int part, PartRun<float>& run, Flow<float>& flow) const {
  run.forward(weights_of(part), flow);
}

Status ChunkState::input_backward(int part, PartRun<float>& run, Flow<float>& flow) {
  run.input_backward(weights_of(part), flow);
  return stage_->parts()[part].weight_pass ? Status{} : weight_backward(part, run);
}

Status ChunkState::weight_backward(int part, PartRun<float>& run) {
  for (int piece = 0; piece < run.weight_pieces(); ++piece) PIPELOOM_RETURN_IF_ERROR(add_piece(part, run, piece));
  return {};
}

ChunkState& ChunkState::owner_of(Table table) {
  return table == Table::kTokens && lender_ != nullptr ? *lender_ : *this;
}

int64_t ChunkState::place_of(Table table) const {
  const ChunkState& owner = table == Table::kTokens && lender_ != nullptr ? *lender_ : *this;
  return owner.stage_->table(table).value();
}

PartNumbers<const float> ChunkState::weights_of(int part) const {
  PartNumbers<const float> numbers = stage_->parts()[part].in(weights_.data());
  const bool borrows = lender_ != nullptr && stage_->parts()[part].part->table(Table::kTokens);
  if (borrows) numbers.tables[number_of(Table::kTokens)] = lender_->weights_.data() + place_of(Table::kTokens);
  return numbers;
}

Status ChunkState::add_piece(int part, PartRun<float>& run, int piece) {
  if (sums_ == Sums::kFixedPoint) return add_rounded(part, run, piece);
  const Stage<float>::Placed& placed = stage_->parts()[part];
  PartNumbers<float> sums = placed.in(float_sums_.data());
  for (const Table table : kTables) {
    if (!placed.part->table(table)) continue;
    sums.tables[number_of(table)] = owner_of(table).float_sums_.data() + place_of(table);
  }
  run.weight_backward(piece, sums);
  return {};
}

// In check mode a piece is computed apart and rounded before it joins the sum.
Status ChunkState::add_rounded(int part, PartRun<float>& run, int piece) {
  const Stage<float>::Placed& placed = stage_->parts()[part];
  std::vector<float> own(placed.part->own().size());
  std::vector<float> routed(placed.part->routed().size());
  OfTables<std::vector<float>> tables;
  for (const Table table : kTables) {
    if (const auto& parameter = placed.part->table(table)) tables[number_of(table)].resize(parameter->size());
  }
  run.weight_backward(piece, {own.data(), routed.data(), {tables[0].data(), tables[1].data()}});
  const std::span<int64_t> sums = fixed_sums_;
  Status status = add_fixed(own, contributions_, sums.subspan(placed.own, own.size()));
  if (status) status = add_fixed(routed, contributions_, sums.subspan(placed.routed, routed.size()));
  for (const Table table : kTables) {
    const std::vector<float>& numbers = tables[number_of(table)];
    if (!status || numbers.empty()) continue;
    status = add_fixed(numbers, contributions_,
                       std::span(owner_of(table).fixed_sums_).subspan(place_of(table), numbers.size()));
  }
  if (status) return {};
  return fail(status.error().code, fmt::format("{} of layer {}: {}", component_name(placed.component), placed.layer,
                                               status.error().message));
}

std::vector<std::byte> ChunkState::sums_of(int64_t begin, int64_t count) const {
  if (sums_ == Sums::kFloat) return bytes_of<float>(std::span(float_sums_).subspan(begin, count));
  return bytes_of<int64_t>(std::span(fixed_sums_).subspan(begin, count));
}

void ChunkState::set_sums(int64_t begin, int64_t count, const std::vector<std::vector<std::byte>>& replicas) {
  if (sums_ == Sums::kFloat) return add_replicas<float>(replicas, std::span(float_sums_).subspan(begin, count));
  add_replicas<int64_t>(replicas, std::span(fixed_sums_).subspan(begin, count));
}

float ChunkState::gradient(int64_t number) const {
  return sums_ == Sums::kFloat ? float_sums_[number] : from_fixed(fixed_sums_[number]);
}

void ChunkState::own_averages() {
  for (const Moments& moments : moments_) {
    const auto weights = this->weights().subspan(moments.range().begin, moments.range().count);
    averages_.emplace_back(weights.begin(), weights.end());
  }
}

void ChunkState::update_averages(double decay) {
  for (size_t number = 0; number < averages_.size(); ++number) {
    const float* weight = weights_.data() + moments_[number].range().begin;
    for (float& average : averages_[number]) {
      average = static_cast<float>(decay * static_cast<double>(average) + (1 - decay) * static_cast<double>(*weight++));
    }
  }
}

uint64_t numbers_digest(const std::vector<StageParameter>& parameters, const NumberRange& range,
                        std::span<const float> numbers) {
  uint64_t sum = 0;
  for (const StageParameter& parameter : parameters) {
    const int64_t end = std::min(parameter.offset + parameter.parameter.size(), range.end());
    for (int64_t i = std::max(parameter.offset, range.begin); i < end; ++i) {
      Digest digest;
      digest.add_bytes(parameter.name);
      digest.add(i - parameter.offset, std::bit_cast<uint32_t>(numbers[i - range.begin]));
      sum += digest.value();
    }
  }
  return sum;
}

uint64_t ChunkState::averages_digest() const {
  uint64_t sum = 0;
  for (size_t number = 0; number < averages_.size(); ++number) {
    sum += numbers_digest(stage_->parameters(), moments_[number].range(), averages_[number]);
  }
  return sum;
}

bool ChunkState::is_load(int64_t number) const {
  return std::ranges::any_of(
      biases_, [&](const NumberRange& biases) { return number >= biases.begin && number < biases.end(); });
}

Status ChunkState::add_squares(int64_t begin, int64_t count, SquareSum& squares) const {
  for (int64_t i = begin; i < begin + count; ++i) {
    if (!is_load(i)) PIPELOOM_RETURN_IF_ERROR(squares.add(gradient(i)));
  }
  return {};
}

// An expert that got more than an even share becomes less likely, and the other way round (DeepSeek-V3, arXiv
// 2412.19437, section 2.1.2).
void ChunkState::move_biases(const LoadBalance& balance, const NumberRange& range) {
  for (const NumberRange& biases : biases_) {
    for (int64_t i = std::max(biases.begin, range.begin); i < std::min(biases.end(), range.end()); ++i) {
      const double more = static_cast<double>(gradient(i)) - balance.even_load;
      const double move = more > 0 ? -balance.step : more < 0 ? balance.step : 0;
      weights_[i] = static_cast<float>(static_cast<double>(weights_[i]) + move);
    }
  }
}

void ChunkState::optimize(const AdamOptions& options, const LoadBalance& balance, int64_t step, double scale,
                          size_t number) {
  Moments& moments = moments_.at(number);
  const auto [begin, count] = moments.range();
  std::vector<float> gradients(count);
  for (int64_t i = 0; i < count; ++i) {
    if (!is_load(begin + i)) gradients[i] = static_cast<float>(gradient(begin + i) * scale);
  }
  std::vector<float> first = moments.first();
  std::vector<float> second = moments.second();
  const std::vector<float> before(weights_.begin() + begin, weights_.begin() + begin + count);
  adam_step(options, step, gradients, {weights().subspan(begin, count), first, second});
  for (int64_t i = 0; i < count; ++i) {
    if (is_load(begin + i)) weights_[begin + i] = before[i];
  }
  moments.set(first, second);
  move_biases(balance, {begin, count});
}

void ChunkState::clear_sums() {
  std::ranges::fill(float_sums_, 0.0F);
  std::ranges::fill(fixed_sums_, 0);
}

}  // namespace pipeloom::backend
