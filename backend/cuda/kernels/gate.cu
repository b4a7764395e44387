#include "backend/cuda/kernels/gate.h"
#include "backend/cuda/kernels/numbers.cuh"
#include "backend/cuda/kernels/reduce.cuh"

namespace pipeloom {

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
  float* values;  // [experts]
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

// A group is as good as its best expert; experts of groups beyond the best few are closed.
__device__ inline void close_groups(const GateShape& shape, const Choice& choice, int lane) {
  const int per_group = shape.experts / shape.groups;
  for (int group = lane; group < shape.groups; group += kWarp) {
    float best = choice.values[group * per_group];
    for (int i = 1; i < per_group; ++i) best = fmaxf(best, choice.values[group * per_group + i]);
    choice.best[group] = best;
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

// One warp per token.
__global__ void choose_kernel(GateShape shape, const float* logits, int32_t* chosen, float* weights) {
  const int lane = static_cast<int>(threadIdx.x);
  const int64_t token = blockIdx.x;
  const Choice choice = choice_in(dynamic_shared(), shape);
  for (int expert = lane; expert < shape.experts; expert += kWarp) {
    choice.values[expert] = logits[token * shape.experts + expert];
    choice.open[expert] = 1;
  }
  __syncwarp();
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
  const float most = choice.values[choice.chosen[0]];
  float sum = 0;
  for (int i = 0; i < shape.per_token; ++i) sum += expf(choice.values[choice.sorted[i]] - most);
  for (int i = lane; i < shape.per_token; i += kWarp) {
    chosen[token * shape.per_token + i] = choice.sorted[i];
    weights[token * shape.per_token + i] = expf(choice.values[choice.sorted[i]] - most) / sum;
  }
}

// One warp per token.
__global__ void backward_kernel(GateShape shape, const int32_t* chosen, const float* weights,
                                const float* weights_gradient, Bf16* logits_gradient) {
  const int lane = static_cast<int>(threadIdx.x);
  Bf16* row = logits_gradient + static_cast<int64_t>(blockIdx.x) * shape.experts;
  for (int expert = lane; expert < shape.experts; expert += kWarp) row[expert] = to_bf16(0);
  const int64_t begin = static_cast<int64_t>(blockIdx.x) * shape.per_token;
  float sum = 0;
  for (int i = 0; i < shape.per_token; ++i) sum += weights[begin + i] * weights_gradient[begin + i];
  __syncwarp();
  for (int i = lane; i < shape.per_token; i += kWarp) {
    row[chosen[begin + i]] = to_bf16(weights[begin + i] * (weights_gradient[begin + i] - sum));
  }
}

}  // namespace

void choose_experts(const SmStream& stream, const GateShape& shape, const float* logits, int32_t* chosen,
                    float* weights) {
  const size_t shared_bytes = sizeof(float) * (2 * static_cast<size_t>(shape.experts) + shape.groups +
                                               2 * static_cast<size_t>(shape.per_token));
  PIPELOOM_LAUNCH(choose_kernel, ({static_cast<unsigned>(shape.tokens), kWarp, shared_bytes}), stream, shape, logits,
                  chosen, weights);
}

void choose_experts_backward(const SmStream& stream, const GateShape& shape, const int32_t* chosen,
                             const float* weights, const float* weights_gradient, Bf16* logits_gradient) {
  PIPELOOM_LAUNCH(backward_kernel, ({static_cast<unsigned>(shape.tokens), kWarp, 0}), stream, shape, chosen, weights,
                  weights_gradient, logits_gradient);
}

}  // namespace pipeloom
