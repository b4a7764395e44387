#include "planner/app/published_job.h"

#include <fmt/format.h>

#include "planner/app/published_layout.h"

namespace pipeloom::planner {

namespace {

void add_precision(PublishedSettings& settings, Job& job) {
  const std::string_view precision = settings.text("precision");
  if (precision == "bf16") return;
  if (precision == "fp16") {
    job.precision = Precision::kFp16;
    return;
  }
  if (precision.starts_with("fp8") || precision == "mxfp8") {
    // Products in FP8; what is kept and what travels stays in BF16.
    job.formats.attention = job.formats.mlp = Format::kFp8;
    return;
  }
  settings.fail("precision", precision.empty() ? "was not published" : fmt::format("is {}, which no format says", precision));
}

void add_recomputation(PublishedSettings& settings, Job& job) {
  const std::string_view recompute = settings.text("recompute");
  if (recompute.empty() || recompute == "none") return;
  if (recompute == "full:1") {
    job.recompute = Recompute::kFull;
  } else if (recompute.starts_with("selective:")) {
    job.recompute = Recompute::kSelective;
  } else {
    settings.fail("recompute", fmt::format("is {}, which is unknown", recompute));
  }
}

void add_batch(PublishedSettings& settings, Job& job) {
  job.batch.sequence_length = settings.count("seq");
  job.batch.micro_batch_size = settings.count("micro_batch");
  job.batch.global_batch = settings.count("global_batch");
}

// Megatron-DeepSpeed's kernels were those of 2022.
void add_software(PublishedSettings& settings, Job& job) {
  const std::string_view software = settings.text("software");
  if (software == "megatron-deepspeed") job.attention_kernel = AttentionKernel::kUnfused;
  if (settings.flag_or("fsdp", false)) job.zero_stage = 3;
  if (const std::string_view task = settings.text("task"); task != "pretrain" && !task.empty()) {
    settings.fail("task", fmt::format("is {}; a job is pre-training", task));
  }
}

}  // namespace

Result<PublishedJob> published_job(const proto::PublishedTraining& training, const ModelTexts& texts) {
  PublishedSettings settings(training);
  PublishedJob published;
  Job& job = published.job;
  job.name = training.id;
  PIPELOOM_TRY(job.cluster, published_cluster(settings));
  PIPELOOM_TRY(job.model, published_model(settings, texts));
  add_precision(settings, job);
  add_recomputation(settings, job);
  add_batch(settings, job);
  add_software(settings, job);
  PIPELOOM_RETURN_IF_ERROR(add_published_layout(settings, job));
  PIPELOOM_TRY(published.job, make_job(std::move(job)));
  published.ignored = settings.ignored();
  return published;
}

}  // namespace pipeloom::planner
