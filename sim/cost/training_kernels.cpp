#include "sim/cost/training_kernels.h"

#include <algorithm>
#include <cmath>

#include "sim/cost/groups.h"

namespace pipeloom::sim {

namespace {

constexpr double kMicro = 1e-6;
// A kernel that is no product: launch latency and tail (gpus.md: 1.5 to 3 us of the smallest kernels).
constexpr double kMemoryKernelSeconds = 1.5 * kMicro;

// Bytes that a cast reads and writes per number, scales and maximum included (counted from the algorithms).
double cast_bytes(ProductRecipe recipe) {
  switch (recipe) {
    case ProductRecipe::kWide:
      return 0;
    case ProductRecipe::kDelayed:
      return 3;
    case ProductRecipe::kTensorwise:
      return 5;  // the maximum first
    case ProductRecipe::kRowwise:
      return 16;  // for rows and for columns, whose kernels reach half of the rate (inferred)
    case ProductRecipe::kBlockwise:
      return 4.03;
    case ProductRecipe::kMxfp8:
      return 4.06;
    case ProductRecipe::kNvfp4:
      return 7.1;
  }
  return 0;
}

double gradient_bytes_of(const Software& software) {
  return software.gradients == Format::kFp32 ? 8 : 4;  // read and written
}

// A rate at 2048, 4096, 8192, ... tokens: a line over the logarithm, 0.75 for each halving below, 1 / 1.15 beyond.
double rate_at(const std::vector<double>& rates, double sequence) {
  const double place = std::log2(std::max(sequence, 1.0) / 2048);
  const auto last = static_cast<double>(rates.size() - 1);
  if (rates.size() == 1) return rates.front();
  if (place <= 0) return rates.front() * std::pow(0.75, -place);
  if (place >= last) return rates.back() / (place > last && sequence > 32768 ? 1.15 : 1);
  const auto below = static_cast<size_t>(place);
  return rates[below] + (rates[below + 1] - rates[below]) * (place - static_cast<double>(below));
}

const AttentionRates& pick_rates(const TrainingRates& rates, bool latent, bool eight_bit, bool full) {
  const AttentionRates* best = &rates.attention.front();
  int most = -1;
  for (const AttentionRates& one : rates.attention) {
    const int points =
        (one.latent == latent ? 4 : 0) + (one.eight_bit == eight_bit ? 2 : 0) + (one.full == full ? 1 : 0);
    if (points > most) best = &one;
    most = std::max(most, points);
  }
  return *best;
}

PassSeconds in_tensor_cores(double forward, double input) {
  return {forward, input, 0, forward + input};
}

}  // namespace

PassSeconds& PassSeconds::operator+=(const PassSeconds& other) {
  forward += other.forward;
  input += other.input;
  weight += other.weight;
  tensor += other.tensor;
  return *this;
}

double clock_under_limit(const TrainingRates& rates, double share) {
  constexpr double kOtherPower = 0.6;
  constexpr double kPowerOfClock = 2.5;
  const double left = (1 - kOtherPower * (1 - share)) / share;
  return std::min(1.0, rates.sustained_clock * std::pow(left, 1 / kPowerOfClock));
}

PassSeconds& PassSeconds::operator*=(double factor) {
  for (double* seconds : {&forward, &input, &weight, &tensor}) *seconds *= factor;
  return *this;
}

OperandWidth operand_width(ProductRecipe recipe) {
  if (recipe == ProductRecipe::kWide) return OperandWidth::kWide;
  return recipe == ProductRecipe::kNvfp4 ? OperandWidth::kFourBits : OperandWidth::kEightBits;
}

struct TrainingKernels::Products {
  double flops_per_s = 0;
  double bytes = 2;  // of an operand's number
  double start = 0;
};

TrainingKernels::TrainingKernels(const Job& job, const ComputeSetting& setting, double clock)
    : job_(job),
      software_(*job.software),
      rates_(job.software->rates),
      gpu_(job.cluster->gpu),
      setting_(setting),
      clock_(clock),
      share_of_sms_(static_cast<double>(setting.sms) / job.cluster->gpu.sms) {
  if (job.model->moe) routing_ = make_routing(*job.model->moe, expert_group(job.layout, *job.cluster));
}

TrainingKernels::Products TrainingKernels::products_of(OperandWidth width) const {
  Products products;
  switch (width) {
    case OperandWidth::kWide:
      products = {gpu_.bf16_flops * rates_.bf16_efficiency, 2, rates_.bf16_start_us * kMicro};
      break;
    case OperandWidth::kEightBits:
      products = {gpu_.fp8_flops * rates_.fp8_efficiency, 1, rates_.fp8_start_us * kMicro};
      break;
    case OperandWidth::kFourBits:
      products = {rates_.fp4_flops * rates_.fp4_efficiency, 0.5, rates_.fp4_start_us * kMicro};
      break;
  }
  if (software_.recipe == ProductRecipe::kRowwise && width == OperandWidth::kEightBits) {
    products.flops_per_s *= rates_.rowwise_share;
  }
  products.flops_per_s *= share_of_sms_ * clock_;
  return products;
}

double TrainingKernels::cast_seconds(double numbers) const {
  constexpr double kCastStart = 2 * kMicro;
  const double bytes = cast_bytes(software_.recipe) + rates_.transposed_bytes;
  return kCastStart + numbers * bytes / (gpu_.memory_bytes_per_s * rates_.product_memory_efficiency);
}

PassSeconds TrainingKernels::linear(const LinearShape& shape, OperandWidth width) const {
  const Products products = products_of(width);
  const double memory = gpu_.memory_bytes_per_s * rates_.product_memory_efficiency;
  // Rows of a group are padded to what narrow operands need.
  const double m = shape.groups > 1 && width != OperandWidth::kWide ? shape.m + 16 : shape.m;
  const double g = shape.groups;
  double start = products.start;
  if (g > 1) start = (6 + g * (software_.fused_experts ? 1 : 2)) * kMicro;
  const double computed = 2 * m * shape.n * shape.k * g / products.flops_per_s;
  const double common = start + computed;
  const double input = m * shape.k;
  const double output = m * shape.n;
  const double weights = shape.n * shape.k;
  const double b = products.bytes;
  PassSeconds seconds = {common + g * ((input + weights) * b + 2 * output) / memory,
                         common + g * ((output + weights) * b + 2 * input) / memory,
                         common + g * ((input + output) * b + weights * gradient_bytes_of(software_)) / memory,
                         3 * computed};
  if (width != OperandWidth::kWide) {
    if (shape.casts_input) seconds.forward += cast_seconds(g * input);
    if (shape.casts_gradient) seconds.input += cast_seconds(g * output);
  }
  seconds.forward *= setting_.product_slowdown;
  seconds.input *= setting_.product_slowdown;
  seconds.weight *= setting_.product_slowdown;
  seconds.tensor *= setting_.product_slowdown;
  return seconds;
}

double TrainingKernels::memory_bound(double bytes, int kernels) const {
  // Eager pointwise kernels write every intermediate and read it again.
  const double passes = software_.compiled ? 1 : 2.5;
  return setting_.memory_slowdown * (passes * bytes / (gpu_.memory_bytes_per_s * rates_.memory_efficiency) +
                                     passes * kernels * kMemoryKernelSeconds);
}

PassSeconds TrainingKernels::attention(const AttentionShape& shape, double pairs, bool windowed) const {
  const double query = shape.head_dim + shape.rope_dim;
  double sequence = static_cast<double>(job_.batch.sequence_length);
  const double share = windowed ? std::min(1.0, 2.0 * shape.window / sequence) : 1;  // of the pairs
  const double flops = 2 * (query + shape.value_dim) * pairs;
  const double backward = shape.is_mla() ? 2.6 : 2.5;
  const double slowdown = rates_.attention_slowdown / share_of_sms_ * setting_.product_slowdown;
  if (software_.sdpa && rates_.sdpa_forward_flops > 0) {
    return {share * flops / rates_.sdpa_forward_flops * slowdown,
            share * backward * flops / rates_.sdpa_backward_flops * slowdown, 0};
  }
  // A ring of context parallelism: whole squares, but for one.
  const bool full = job_.layout.context > 1;
  if (full) sequence /= job_.layout.context;
  const AttentionRates& rates = pick_rates(rates_, shape.is_mla(), software_.eight_bit_attention, full);
  const double narrow = query < 128 ? 0.72 : 1;  // FlashAttention-3: heads of 64 against 128
  double forward = flops / (rate_at(rates.forward_flops, sequence) * narrow) * slowdown;
  double input = backward * flops / (rate_at(rates.backward_flops, sequence) * narrow) * slowdown;
  if (windowed) {  // a long window is a mask of the other kernel
    forward = std::min(forward, share * flops / rates_.window_forward_flops * slowdown);
    input = std::min(input, share * backward * flops / rates_.window_backward_flops * slowdown);
  }
  return in_tensor_cores(forward, input);
}

PassSeconds TrainingKernels::unfused_attention(const AttentionShape& shape, double scores) const {
  const double rate = 0.7 / 0.75 * products_of(OperandWidth::kWide).flops_per_s;
  const double flops = 2.0 * (shape.head_dim + shape.rope_dim + shape.value_dim) * scores;
  return {flops / rate + memory_bound(6 * scores, 4), 2 * flops / rate + memory_bound(16 * scores, 6), 0,
          3 * flops / rate};
}

double TrainingKernels::tensor_ring(double bytes_per_number) const {
  if (job_.layout.tensor == 1) return 0;
  const double numbers = static_cast<double>(job_.batch.tokens()) / job_.layout.context * job_.model->hidden;
  return ring_seconds(bytes_per_number * numbers, tensor_group(job_.layout, *job_.cluster), *job_.cluster) /
             rates_.tensor_ring_share +
         rates_.ring_start_us * kMicro;
}

double TrainingKernels::tensor_gather() const {
  // What is gathered for a narrow product is cast before; PyTorch's scales of whole rows are not.
  const bool narrow = job_.layout.sequence_parallel && software_.recipe != ProductRecipe::kRowwise;
  return tensor_ring(narrow ? products_of(operand_width(software_.recipe)).bytes : 2);
}

double TrainingKernels::tensor_reduction() const {
  return tensor_ring(2);
}

double TrainingKernels::expert_transfer(double tokens) const {
  if (routing_.gpus == 1) return 0;
  const double row = 2.0 * job_.model->hidden;
  const double nic = job_.cluster->nic_bytes_per_s;
  const int chosen = job_.model->moe->experts_per_token;
  if (software_.dispatcher == Dispatcher::kDeepEp || software_.dispatcher == Dispatcher::kHybridEp) {
    const double slower = software_.dispatcher == Dispatcher::kDeepEp ? 1.3 : 1;
    if (routing_.nodes > 1) {
      // Algorithm bandwidth counts the share that stays in the node: 52 of the NIC's 50 GB/s are reached.
      return slower * (tokens * routing_.nodes_per_token * row / (1.04 * nic) + 40 * kMicro);
    }
    const double rate = routing_.gpus <= 8 ? rates_.node_dispatch_bytes_per_s : rates_.dispatch_bytes_per_s;
    return slower * (tokens * routing_.gpus_per_token * row / rate + 25 * kMicro);
  }
  const double sent = tokens * row * chosen;
  const double gpus = routing_.gpus;
  const double inside =
      sent * (gpus - 1) / gpus / (gpu_.nvlink_bytes_per_s * rates_.all_to_all_efficiency) + 80 * kMicro;
  if (routing_.nodes == 1) return inside;
  return std::max(inside, sent * routing_.off_node_share() / (0.85 * nic) + 120 * kMicro);
}

}  // namespace pipeloom::sim
