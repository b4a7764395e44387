#pragma once

#include "core/job/job.h"
#include "sim/cost/pass_time.h"
#include "sim/cost/routing.h"

namespace pipeloom::sim {

// Seconds of the three passes of something.
struct PassSeconds {
  double forward = 0;
  double input = 0;
  double weight = 0;
  double tensor = 0;  // of their sum: what tensor cores compute, at the rate that only they limit

  double total() const { return forward + input + weight; }
  PassSeconds& operator+=(const PassSeconds& other);
  PassSeconds& operator*=(double factor);
};

// How wide the numbers are that a product reads.
enum class OperandWidth { kWide, kEightBits, kFourBits };
// Share of the full clock at which products run that fill `share` of a step, above 0. The power of products grows with
// the clock to the power of 2.5 (frequency and the square of the voltage that it needs); whatever else runs draws 0.6
// of the limit. Both are inferred.
double clock_under_limit(const TrainingRates& rates, double share);

OperandWidth operand_width(ProductRecipe recipe);

// [m, k] x [k, n], `groups` of them in one launch.
struct LinearShape {
  double m = 0;
  double n = 0;
  double k = 0;
  double groups = 1;
  // Whether narrow operands are cast by kernels of their own: what the layer reads, and its result's gradient.
  bool casts_input = true;
  bool casts_gradient = true;
};

// How long the kernels of a training framework take on a job's GPUs, on `setting`'s SMs and beside what slows them.
// REQUIRES: the job has a model and software.
class TrainingKernels {
 public:
  // `clock`: share of the full one.
  TrainingKernels(const Job& job, const ComputeSetting& setting, double clock);

  // A linear layer with its casts: operands and results are read and written once more than the products compute
  // (time = start + FLOPs / rate + bytes / rate of memory).
  PassSeconds linear(const LinearShape& shape, OperandWidth width) const;
  PassSeconds linear(const LinearShape& shape) const { return linear(shape, operand_width(software_.recipe)); }
  // Kernels that are no products, which read and write so many bytes.
  double memory_bound(double bytes, int kernels) const;
  // Attention that is causal, `pairs` of query and key and head per forward pass (half of the square). `windowed`: of
  // these the ones in the window, never slower than all of them.
  PassSeconds attention(const AttentionShape& shape, double pairs, bool windowed) const;
  // Attention whose scores go through memory: `scores` numbers.
  PassSeconds unfused_attention(const AttentionShape& shape, double scores) const;
  // Tensor parallelism's all-gather and reduce-scatter of the micro-batch's hidden states. An all-reduce is one of
  // each.
  double tensor_gather() const;
  double tensor_reduction() const;
  // One dispatch, or one combine, of `tokens` tokens.
  double expert_transfer(double tokens) const;
  // All GPUs of the expert-parallel group that a token reaches, its own included.
  const Routing& routing() const { return routing_; }

 private:
  struct Products;
  Products products_of(OperandWidth width) const;
  double cast_seconds(double numbers) const;
  double tensor_ring(double bytes_per_number) const;

  const Job& job_;
  const Software& software_;
  const TrainingRates& rates_;
  const Gpu& gpu_;
  ComputeSetting setting_;
  double clock_;
  double share_of_sms_;
  Routing routing_;
};

}  // namespace pipeloom::sim
