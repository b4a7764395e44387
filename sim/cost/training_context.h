#pragma once

#include "sim/cost/training_kernels.h"

namespace pipeloom::sim {

// What context parallelism adds to attention of one micro-batch, in seconds. `core`: attention itself, over all keys.
//
// A ring: each of the other GPUs' keys and values come while the square before them is computed, and come again in the
// backward pass with the gradients that are summed on the way (Liu et al., Ring Attention, ICLR 2024;
// TransformerEngine, attention/dot_product_attention/context_parallel.py). What is longer than its square shows. Or two
// all-to-alls, from a share of the tokens to a share of the heads and back, that nothing hides (DeepSpeed-Ulysses,
// arXiv 2309.14509).
//
// REQUIRES: the job has a model and software.
PassSeconds context_exchange(const Job& job, const PassSeconds& core);

}  // namespace pipeloom::sim
