#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/costs/component.h"
#include "core/costs/costs.h"
#include "core/job/cluster.h"
#include "core/job/formats.h"
#include "core/job/layout.h"
#include "core/job/model.h"
#include "core/job/software.h"
#include "core/job/variation.h"

namespace pipeloom {

// Stored in plans: values never change.
enum class Precision : uint8_t {
  kBf16 = 0,
  kFp16 = 1,
  kFp8 = 2,  // DeepSeek-V3's recipe: products in FP8; embedding, head, gate, norms and attention in BF16
};
// A job's precision is a choice of formats; formats_of says which.
enum class Recompute : uint8_t {
  kNone = 0,
  // What is cheap to compute again: with the unfused attention core its scores (Korthikanti et al., MLSys 2023); else
  // norms, activation functions and MLA's up-projections (DeepSeek-V3, section 3.2.3).
  kSelective = 1,
  kFull = 2,  // a whole layer from its input
};
enum class AttentionKernel : uint8_t {
  kFused = 0,    // FlashAttention: no scores in memory
  kUnfused = 1,  // products, softmax and dropout apart, as in Megatron-LM before 2023
};
enum class P2pMode : uint8_t {
  kAsync = 0,     // a send leaves when its output is ready; only the consumer waits
  kBlocking = 1,  // the sends and receives of a batch complete before the next compute (DualPipe, Megatron)
};

// What bounds the norm of all gradients, over the whole model.
enum class Clipping : uint8_t {
  kNone = 0,
  kGlobal = 1,     // before the optimizer, which waits for every rank's gradients: a barrier
  kValidated = 2,  // the optimizer goes ahead; where the norm turns out too large, it is undone and done again
                   // (Qi et al., ICLR 2024, section 4: post-validation)
};

struct Batch {
  int64_t sequence_length = 0;   // tokens
  int64_t micro_batch_size = 1;  // sequences
  int64_t global_batch = 0;      // sequences in one step, over all data-parallel replicas

  int64_t tokens() const { return sequence_length * micro_batch_size; }  // of one micro-batch
  bool operator==(const Batch&) const = default;
};

// Which schedule, with which options. Zero: the schedule's default.
struct ScheduleChoice {
  std::string name;  // empty: the planner chooses
  int chunks = 0;
  int group = 0;
  int pipe_pairs = 1;
  int waves = 1;

  bool operator==(const ScheduleChoice&) const = default;
};

// Costs that the job gives itself instead of a model: one entry for all stages, or one per stage.
struct DirectCosts {
  std::vector<int64_t> f_ns;
  std::vector<int64_t> i_ns;
  std::vector<int64_t> w_ns;
  std::vector<int64_t> b_ns;                  // empty: I + W
  std::optional<int64_t> pair_ns;             // of every overlapped pair; absent: F + B
  std::optional<int64_t> input_pair_ns = {};  // of every F overlapped with an I whose W runs apart; absent: F + I

  bool operator==(const DirectCosts&) const = default;
};

// Measured times of the model's layers, or of components of layers (a row of a CSV: layer,f_us,i_us,w_us or
// layer,component,f_us,i_us,w_us). They replace what the cost model says.
struct MeasuredLayer {
  int layer = 0;  // -1: embedding; the model's layer count: head and loss
  int64_t f_ns = 0;
  int64_t i_ns = 0;
  int64_t w_ns = 0;
  Component component = Component::kStage;  // kStage: the whole layer, divided as the cost model does

  bool operator==(const MeasuredLayer&) const = default;
};

// How many tokens chose each expert of a layer, over a run that was measured.
struct ExpertLoad {
  int layer = 0;  // of the model; beyond its layers and the head: of an MTP module, as ComponentCost::layer
  std::vector<int64_t> tokens;  // [routed expert]

  bool operator==(const ExpertLoad&) const = default;
};

// What moves to the host's memory.
struct Offload {
  double activations = 0;  // this share of them, after F, and back before the backward pass
  bool optimizer = false;  // its state, and the update with it

  bool operator==(const Offload&) const = default;
};

// What somebody measured or published of a run of this job, to hold predictions against.
struct Reference {
  std::string quantity;  // a name that `pipeloom validate --list` prints, as in "step_s"
  double value = 0;
  std::string source;  // "arXiv 2205.05198, table 5"

  bool operator==(const Reference&) const = default;
};

struct P2pOptions {
  P2pMode mode = P2pMode::kAsync;
  int64_t latency_ns = 0;  // only with direct costs; a model's links are the cluster's
  int receive_depth = 2;   // posted receive buffers per queue; 0: unlimited

  bool operator==(const P2pOptions&) const = default;
};

// What a person asks Pipeloom to plan: a model on a cluster, or direct costs on a number of ranks. Immutable in use;
// create through make_job.
struct Job {
  std::string name;
  std::optional<Model> model;
  std::optional<Cluster> cluster;
  std::optional<DirectCosts> costs;
  std::vector<MeasuredLayer> measured_layers;
  std::vector<ExpertLoad> expert_loads;  // of layers that have none, routers are taken as balanced
  Batch batch;
  Layout layout;
  int micro_batches = 0;  // of one pipeline in one step; with a model it follows from the batch
  ScheduleChoice schedule;
  P2pOptions p2p;
  Precision precision = Precision::kBf16;
  FormatChoice formats;  // where single ones differ from the precision's
  Recompute recompute = Recompute::kNone;
  AttentionKernel attention_kernel = AttentionKernel::kFused;
  Offload offload;
  Clipping clipping = Clipping::kNone;
  double clip_norm = 1;                         // the largest norm that gradients keep
  double ema_decay = 0;                         // of a moving average of the weights, in the host's memory; 0: none
  int zero_stage = 1;                           // ZeRO 0 to 3: what data-parallel replicas shard
  int64_t memory_limit_bytes = 0;               // per GPU; 0: what the GPU has, less a reserve
  int64_t weight_share_millionths = 1'000'000;  // direct costs: the share of an activation that W still needs
  std::vector<Reference> references;
  Variation variation;
  std::optional<Software> software = {};  // what the training framework does; none: the GPU's kernel rates alone

  bool operator==(const Job&) const = default;
};

// Which component of the job has its numbers in which format. FP8 is DeepSeek-V3's recipe (arXiv 2412.19437, section
// 3.3): products, what they read and dispatch in FP8, what attention's output projection reads in E5M6, moments in
// BF16.
Formats formats_of(const Job& job);

// What the backward pass computes again of a layer that isn't recomputed in full. kSelective adds what it stands for:
// DeepSeek-V3's recipe, or with unfused attention its scores. REQUIRES: the job has software.
RecomputedParts recomputed_parts(const Job& job);

// Checks that the parts fit each other (model needs cluster and batch; layout multiplies to the GPUs; the batch
// divides; direct costs have 1 or `stages` entries is checked once the placement is known) and fills micro_batches.
Result<Job> make_job(Job job);

}  // namespace pipeloom
