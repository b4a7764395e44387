#pragma once

#include "core/job/job.h"

// Published models and jobs, for the tests of several folders.
namespace pipeloom::tests {

// GPT-3 (arXiv 2005.14165, table 2.1), Llama 2 (arXiv 2307.09288), Llama 3
// (arXiv 2407.21783, table 3), Mixtral (arXiv 2401.04088, table 1), DeepSeek-V3 (arXiv 2412.19437, section 4.2).
Model gpt3_175b();
Model llama2_7b();
Model llama3_405b();
Model mixtral_8x7b();
Model deepseek_v3();

Cluster h800_cluster(int nodes);
Cluster h100_cluster(int nodes);

// The published DeepSeek-V3 training run: 2048 H800, PP16, EP64, 120 micro-batches per pipeline.
Job deepseek_v3_job();
// Llama-3-405B on 1024 H100: PP16, TP8, 8 pipelines of 16 micro-batches.
Job llama3_405b_job();
// A job without a model: F, I and W take one unit on each of `ranks` ranks.
Job direct_job(int ranks, int micro_batches);

}  // namespace pipeloom::tests
