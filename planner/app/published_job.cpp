#include "planner/app/published_job.h"

#include <fmt/format.h>

#include "planner/app/published_layout.h"
#include "planner/app/published_software.h"

namespace pipeloom::planner {

namespace {

void add_batch(PublishedSettings& settings, Job& job) {
  job.batch.sequence_length = settings.count("seq");
  job.batch.micro_batch_size = settings.count("micro_batch");
  job.batch.global_batch = settings.count("global_batch");
}

void check_task(PublishedSettings& settings) {
  const std::string_view task = settings.text("task");
  // A step of fine-tuning that moves all weights is one of pre-training.
  if (task != "pretrain" && task != "sft" && !task.empty()) {
    settings.fail("task", fmt::format("is {}; a job trains all weights", task));
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
  check_task(settings);
  add_batch(settings, job);
  PIPELOOM_RETURN_IF_ERROR(add_published_layout(settings, job));
  PIPELOOM_RETURN_IF_ERROR(add_published_software(settings, job));
  PIPELOOM_TRY(published.job, make_job(std::move(job)));
  published.ignored = settings.ignored();
  return published;
}

}  // namespace pipeloom::planner
