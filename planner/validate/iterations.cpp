#include "planner/validate/iterations.h"

#include <algorithm>

#include "planner/evaluate/evaluate.h"

namespace pipeloom::planner {

namespace {

Result<Model> gpt(const MeasuredIteration& measured) {
  Model model;
  model.family = "gpt";
  model.layers = measured.layers;
  model.hidden = measured.hidden;
  model.intermediate = 4 * measured.hidden;
  model.gated_mlp = false;
  model.vocabulary = 50257;
  model.learned_positions = static_cast<int>(measured.sequence);
  model.tied_embedding = true;
  model.mlp_bias = true;
  model.dropout = true;
  model.attention.heads = model.attention.kv_heads = measured.heads;
  model.attention.bias = true;
  return make_model(std::move(model));
}

Cluster cluster_of(const MeasuredIteration& measured, const Gpu& gpu) {
  constexpr int kGpusPerNode = 8;
  Cluster cluster;
  cluster.gpu = gpu;
  cluster.gpus_per_node = std::min(measured.gpus, kGpusPerNode);
  cluster.nodes = measured.gpus / cluster.gpus_per_node;
  cluster.nic_bytes_per_s = 100e9 / kGpusPerNode;
  return cluster;
}

}  // namespace

Result<Job> job_of(const MeasuredIteration& measured, const Gpu& gpu) {
  Job job;
  PIPELOOM_TRY(job.model, gpt(measured));
  job.cluster = cluster_of(measured, gpu);
  job.batch = {measured.sequence, measured.micro_batch, measured.global_batch};
  job.layout.pipeline = measured.pipeline;
  job.layout.data = measured.data;
  job.layout.tensor = measured.tensor;
  job.layout.sequence_parallel = false;
  if (measured.layers % measured.pipeline == 0) {
    job.layout.layers_per_stage.assign(measured.pipeline, measured.layers / measured.pipeline);
  }
  job.precision = Precision::kFp16;
  job.recompute = Recompute::kFull;
  job.attention_kernel = AttentionKernel::kUnfused;
  job.zero_stage = 0;
  return make_job(std::move(job));
}

Result<double> predicted_seconds(const MeasuredIteration& measured, const Gpu& gpu) {
  PIPELOOM_TRY(const Job job, job_of(measured, gpu));
  PIPELOOM_TRY(const NamedSchedule* schedule, find_schedule("1f1b"));
  PIPELOOM_TRY(const Evaluation evaluation, evaluate(job, *schedule));
  return static_cast<double>(evaluation.end.step_ns) / 1e9;
}

}  // namespace pipeloom::planner
