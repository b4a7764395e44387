#pragma once

#include "core/job/job.h"

// Trainings whose memory was published, with the few facts that decide it.
namespace pipeloom::tests {

// Layers are divided equally.
struct FrameworkLayout {
  int tensor = 1;
  int pipeline = 1;
  int data = 1;
  int context = 1;
  int expert = 1;
  int64_t sequence = 4096;
};

// Models of SimuMax's runs (MooreThreads/SimuMax, docs/b200, 2026-05): Llama 3 70B and 405B (16 groups of keys) and
// DeepSeek-V2 and V3, cut to so many layers, of which DeepSeek's first is dense.
Model simumax_llama_70b();
Model simumax_llama_405b();
Model simumax_deepseek_v2();
Model simumax_deepseek_v3();

// Megatron-LM with TransformerEngine 2.11 in BF16: FP32 gradients, fused cross entropy, dummy weight gradients, context
// parallelism by all-to-all, no recomputation; one sequence per micro-batch, four micro-batches.
Job megatron_job(const Model& model, const FrameworkLayout& layout);

// torchtitan on 8 H100: Llama 3 8B by FSDP2 with "op" checkpointing, two sequences of 8192 (2024-12).
Job torchtitan_job(bool compiled);

// BLOOM's prequel: `layers` of width 14336 with 64 heads, GELU and a tied embedding of 250880 rows; Megatron-DeepSpeed
// on A100 in FP16, ZeRO-1, full recomputation, sequences of 2048.
Job bloom_job(int layers, const FrameworkLayout& layout, int micro_batch);

}  // namespace pipeloom::tests
