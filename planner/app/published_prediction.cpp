#include "planner/app/published_prediction.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/base/check.h"
#include "planner/evaluate/evaluate.h"
#include "planner/evaluate/step_interval.h"
#include "proto/job/training_rates_files.h"

namespace pipeloom::planner {

namespace {

double number_of(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// TFLOPS are the source's own count of FLOPs and say nothing about the step.
std::optional<double> measured_step(const proto::PublishedTraining& training) {
  const double sequences = number_of(training.text("global_batch"));
  const double tokens = sequences * number_of(training.text("seq"));
  for (const proto::PublishedFigure& figure : training.figures) {
    if (figure.metric == "step_s") return figure.value;
    if (figure.metric == "samples_per_s" && sequences > 0) return sequences / figure.value;
    if (figure.metric == "tokens_per_s_per_gpu" && tokens > 0) {
      return tokens / number_of(training.text("num_gpus")) / figure.value;
    }
  }
  return std::nullopt;
}

// Megatron-Bridge's logger divides by 1e9, whatever the figure was called later (training/utils/train_utils.py).
double bytes_of(const proto::PublishedFigure& figure, std::string_view software) {
  constexpr double kGib = 1024.0 * 1024 * 1024;
  return figure.value * (figure.unit == "GiB" && software != "megatron-bridge" ? kGib : 1e9);
}

// FSDP2's trainer prints what the allocator holds, the others print what tensors take.
std::string counter_of(const proto::PublishedFigure& figure, const Job& job) {
  const bool said = figure.counter == "allocated" || figure.counter == "reserved" || figure.counter == "nvidia-smi";
  if (said) return figure.counter;
  return job.software->engine == StateEngine::kFsdp ? "reserved" : "allocated";
}

int64_t counted(const RankMemory& memory, std::string_view counter) {
  if (counter == "allocated") return memory.allocated();
  return counter == "reserved" ? memory.reserved() : memory.total();
}

bool is_judged(const proto::PublishedTraining& training) {
  const std::string_view routing = training.text("routing");
  // A table of one's own may leave these columns out.
  const auto is = [&](std::string_view column, std::string_view value) {
    const std::string_view text = training.text(column);
    return text.empty() || text == value;
  };
  return is("newest_layout", "1") && is("confidence", "recipe-read") && is("task", "pretrain") && routing != "drop";
}

void add_memory(const Job& job, const Evaluation& evaluation, PublishedPrediction& prediction) {
  for (const proto::PublishedFigure& figure : prediction.training.figures) {
    if (!figure.metric.starts_with("memory_") || (figure.unit != "GiB" && figure.unit != "GB")) continue;
    const std::string counter = counter_of(figure, job);
    const auto bytes = [&](const RankMemory& memory) { return counted(memory, counter); };
    const auto fullest = std::ranges::max_element(evaluation.memory, {}, bytes);
    prediction.memory.push_back({counter, bytes_of(figure, job.software->name), static_cast<double>(bytes(*fullest)),
                                 static_cast<int>(fullest - evaluation.memory.begin()), *fullest,
                                 memory_interval(job, counter, bytes(*fullest))});
  }
}

Result<Evaluation> evaluate_published(const Job& job) {
  PIPELOOM_TRY(const NamedSchedule* schedule, find_schedule(job.schedule.name));
  return evaluate(job, *schedule);
}

double step_seconds(const Evaluation& evaluation) {
  return static_cast<double>(evaluation.end.step_ns) / 1e9;
}

}  // namespace

Result<double> predicted_step(const Job& job) {
  return evaluate_published(job).map(step_seconds);
}

PublishedPrediction predict_published(const proto::PublishedTraining& training, const ModelTexts& texts,
                                      const std::optional<FittedConstants>& constants) {
  PublishedPrediction prediction;
  prediction.training = training;
  prediction.judged = is_judged(training);
  prediction.measured_seconds = measured_step(training);
  auto published = published_job(training, texts);
  if (!published) {
    prediction.reason = published.error().message;
    return prediction;
  }
  if (constants) {
    auto rates = proto::fitted_training_rates(published->job.cluster->gpu.name, *constants);
    PIPELOOM_THROW_UNLESS(rates.has_value());  // the job has rates from the same file
    published->job.software->rates = *std::move(rates);
  }
  const auto evaluation = evaluate_published(published->job);
  if (!evaluation) {
    prediction.reason = evaluation.error().message;
    return prediction;
  }
  prediction.ignored = published->ignored;
  prediction.predicted_seconds = step_seconds(*evaluation);
  if (const auto interval = step_interval(published->job, evaluation->end.step_ns)) {
    prediction.low_seconds = static_cast<double>(interval->low_ns) / 1e9;
    prediction.high_seconds = static_cast<double>(interval->high_ns) / 1e9;
  }
  add_memory(published->job, *evaluation, prediction);
  return prediction;
}

}  // namespace pipeloom::planner
