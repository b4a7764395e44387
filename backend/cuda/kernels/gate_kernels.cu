#include "backend/cuda/kernels/numbers.cuh"
#include "backend/cuda/kernels/reduce.cuh"
#include "backend/device/kernels/gate_kernels.h"

namespace pipeloom::backend {

namespace {

// One of several values, with its number; the better one is larger, or of equal ones has the lower number.
struct Candidate {
  float value = 0;
  int number = -1;  // none

  __device__ bool better_than(const Candidate& other) const {
    if (number < 0 || other.number < 0) return number >= 0;
    return value > other.value || (value == other.value && number < other.number);
  }
};

// What the warp of a token works with, in shared memory.
struct Choice {
  float* values;  // [experts] by which they are chosen
  float* best;    // [groups]
  int* open;      // [experts] whether it can still be chosen
  int* chosen;    // [per_token] in the order of the values
  int* sorted;    // [per_token] ascending
};

__device__ inline Choice choice_in(unsigned char* shared, const GateShape& shape) {
  Choice choice;
  choice.values = reinterpret_cast<float*>(shared);
  choice.best = choice.values + shape.experts;
  choice.open = reinterpret_cast<int*>(choice.best + shape.groups);
  choice.chosen = choice.open + shape.experts;
  choice.sorted = choice.chosen + shape.per_token;
  return choice;
}

// A group is as good as its best expert, with sigmoids as the sum of its best two; experts of groups beyond the best
// few are closed.
__device__ inline void close_groups(const GateShape& shape, const Choice& choice, int lane) {
  const int per_group = shape.experts / shape.groups;
  for (int group = lane; group < shape.groups; group += kWarp) {
    float best = choice.values[group * per_group];
    float second = -INFINITY;
    for (int i = 1; i < per_group; ++i) {
      const float value = choice.values[group * per_group + i];
      second = fmaxf(second, fminf(best, value));
      best = fmaxf(best, value);
    }
    choice.best[group] = shape.sigmoid && per_group > 1 ? best + second : best;
  }
  __syncwarp();
  for (int group = lane; group < shape.groups; group += kWarp) {
    int ahead = 0;
    for (int other = 0; other < shape.groups; ++other) {
      const Candidate candidate{choice.best[other], other};
      if (other != group && candidate.better_than({choice.best[group], group})) ++ahead;
    }
    for (int i = 0; i < per_group; ++i) choice.open[group * per_group + i] = ahead < shape.groups_per_token ? 1 : 0;
  }
  __syncwarp();
}

__device__ inline int best_open(const GateShape& shape, const Choice& choice, int lane) {
  Candidate best;
  for (int expert = lane; expert < shape.experts; expert += kWarp) {
    const Candidate candidate{choice.values[expert], expert};
    if (choice.open[expert] != 0 && candidate.better_than(best)) best = candidate;
  }
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    Candidate other;
    other.value = __shfl_xor_sync(kWholeWarp, best.value, distance);
    other.number = __shfl_xor_sync(kWholeWarp, best.number, distance);
    if (other.better_than(best)) best = other;
  }
  return __shfl_sync(kWholeWarp, best.number, 0);  // with NaN, lanes may differ
}

// The `per_token` best, in the order of the experts, to `choice.sorted`.
__device__ inline void choose(const GateShape& shape, const Choice& choice, int lane) {
  if (shape.groups_per_token < shape.groups) close_groups(shape, choice, lane);
  for (int i = 0; i < shape.per_token; ++i) {
    int expert = best_open(shape, choice, lane);
    if (expert < 0) expert = i;  // NaN closed more groups than it should
    if (lane == 0) {
      choice.chosen[i] = expert;
      choice.open[expert] = 0;
    }
    __syncwarp();
  }
  for (int i = lane; i < shape.per_token; i += kWarp) {
    int before = 0;
    for (int j = 0; j < shape.per_token; ++j) before += choice.chosen[j] < choice.chosen[i] ? 1 : 0;
    choice.sorted[before] = choice.chosen[i];
  }
  __syncwarp();
}

// One warp per token.
__global__ void choose_kernel(GateShape shape, float* scores, const float* biases, int32_t* chosen, float* weights) {
  const int lane = static_cast<int>(threadIdx.x);
  const int64_t token = blockIdx.x;
  float* own = scores + token * shape.experts;
  const Choice choice = choice_in(dynamic_shared(), shape);
  for (int expert = lane; expert < shape.experts; expert += kWarp) {
    if (shape.sigmoid) own[expert] = 1 / (1 + expf(-own[expert]));
    choice.values[expert] = own[expert] + (biases == nullptr ? 0 : biases[expert]);
    choice.open[expert] = 1;
  }
  __syncwarp();
  choose(shape, choice, lane);
  const float most = shape.sigmoid ? 0 : own[choice.chosen[0]];
  const auto value_of = [&](int i) {
    const float score = own[choice.sorted[i]];
    return shape.sigmoid ? score : expf(score - most);
  };
  float sum = 0;
  for (int i = 0; i < shape.per_token; ++i) sum += value_of(i);
  for (int i = lane; i < shape.per_token; i += kWarp) {
    chosen[token * shape.per_token + i] = choice.sorted[i];
    weights[token * shape.per_token + i] = shape.scale * (value_of(i) / sum);
  }
}

// One block per expert and sequence.
__global__ void count_kernel(GateShape shape, int64_t sequence, const int32_t* chosen, int32_t* counts) {
  const int64_t choices = sequence * shape.per_token;
  const int32_t* own = chosen + blockIdx.y * choices;
  int count = 0;
  for (int64_t i = threadIdx.x; i < choices; i += blockDim.x) count += own[i] == static_cast<int>(blockIdx.x) ? 1 : 0;
  count = block_reduce<Sum>(count, 0);
  if (threadIdx.x == 0) counts[blockIdx.y * static_cast<unsigned>(shape.experts) + blockIdx.x] = count;
}

// What multiplies an expert's part of the balance loss of its sequence: its share of the choices against an even one
// (DeepSeek-V3 report, arXiv 2412.19437, equation 18).
__device__ inline float share_of(const GateShape& shape, const GateBalance& balance, int64_t token, int expert) {
  const int32_t count = balance.counts[token / balance.sequence * shape.experts + expert];
  return static_cast<float>(count) * static_cast<float>(shape.experts) /
         static_cast<float>(shape.per_token * balance.sequence);
}

// One warp per token. `row` [experts] in shared memory: the gradient of the scores.
__device__ inline void add_balance(const GateShape& shape, const GateBalance& balance, const float* scores, float* row,
                                   int lane) {
  const int64_t token = blockIdx.x;
  float sum = 0;
  float weighed = 0;
  for (int expert = lane; expert < shape.experts; expert += kWarp) {
    sum += scores[expert];
    weighed += share_of(shape, balance, token, expert) * scores[expert];
  }
  sum = warp_reduce<Sum>(sum);
  const float mean = warp_reduce<Sum>(weighed) / sum;
  for (int expert = lane; expert < shape.experts; expert += kWarp) {
    row[expert] += balance.factor * (share_of(shape, balance, token, expert) - mean) / sum;
  }
}

// One warp per token.
__global__ void backward_kernel(GateShape shape, const float* scores, GateBalance balance, const int32_t* chosen,
                                const float* weights, const float* weights_gradient, Bf16* logits_gradient) {
  const int lane = static_cast<int>(threadIdx.x);
  const float* own = scores + static_cast<int64_t>(blockIdx.x) * shape.experts;
  auto* row = reinterpret_cast<float*>(dynamic_shared());
  for (int expert = lane; expert < shape.experts; expert += kWarp) row[expert] = 0;
  const int64_t begin = static_cast<int64_t>(blockIdx.x) * shape.per_token;
  float mean = 0;
  float sum = 0;
  for (int64_t i = begin; i < begin + shape.per_token; ++i) {
    mean += weights[i] / shape.scale * weights_gradient[i];
    if (shape.sigmoid) sum += own[chosen[i]];
  }
  __syncwarp();
  for (int64_t i = begin + lane; i < begin + shape.per_token; i += kWarp) {
    const float along = shape.scale * (weights_gradient[i] - mean);
    row[chosen[i]] = shape.sigmoid ? along / sum : weights[i] / shape.scale * along;
  }
  __syncwarp();
  if (shape.sigmoid && balance.factor != 0) add_balance(shape, balance, own, row, lane);
  Bf16* to = logits_gradient + static_cast<int64_t>(blockIdx.x) * shape.experts;
  for (int expert = lane; expert < shape.experts; expert += kWarp) {
    to[expert] = to_bf16(shape.sigmoid ? row[expert] * own[expert] * (1 - own[expert]) : row[expert]);
  }
}

template <typename Number>
__global__ void add_loads_kernel(const int32_t* counts, int experts, Number* loads) {
  const int64_t i = global_thread();
  if (i < experts) loads[i] += static_cast<Number>(counts[i]);
}

template <typename Number>
void run_add_loads(const SmStream& stream, const int32_t* counts, int experts, Number* loads) {
  PIPELOOM_LAUNCH(add_loads_kernel<Number>, ({blocks_for(experts, 256), 256, 0}), stream, counts, experts, loads);
}

}  // namespace

void choose_experts(const SmStream& stream, const GateShape& shape, float* scores, const float* biases, int32_t* chosen,
                    float* weights) {
  const size_t shared_bytes = sizeof(float) * (2 * static_cast<size_t>(shape.experts) + shape.groups +
                                               2 * static_cast<size_t>(shape.per_token));
  PIPELOOM_LAUNCH(choose_kernel, ({static_cast<unsigned>(shape.tokens), kWarp, shared_bytes}), stream, shape, scores,
                  biases, chosen, weights);
}

void count_choices(const SmStream& stream, const GateShape& shape, int64_t sequence, const int32_t* chosen,
                   int32_t* counts) {
  const dim3 blocks(static_cast<unsigned>(shape.experts), static_cast<unsigned>(shape.tokens / sequence));
  PIPELOOM_LAUNCH(count_kernel, ({blocks, 256, 0}), stream, shape, sequence, chosen, counts);
}

void choose_experts_backward(const SmStream& stream, const GateShape& shape, const float* scores,
                             const GateBalance& balance, const int32_t* chosen, const float* weights,
                             const float* weights_gradient, Bf16* logits_gradient) {
  const size_t shared_bytes = sizeof(float) * static_cast<size_t>(shape.experts);
  PIPELOOM_LAUNCH(backward_kernel, ({static_cast<unsigned>(shape.tokens), kWarp, shared_bytes}), stream, shape, scores,
                  balance, chosen, weights, weights_gradient, logits_gradient);
}

void add_loads(const SmStream& stream, const int32_t* counts, int experts, float* loads) {
  run_add_loads(stream, counts, experts, loads);
}

void add_loads(const SmStream& stream, const int32_t* counts, int experts, int64_t* loads) {
  run_add_loads(stream, counts, experts, loads);
}

}  // namespace pipeloom::backend
