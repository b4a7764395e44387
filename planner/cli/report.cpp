#include "planner/cli/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "core/base/units.h"
#include "core/schedule/messages.h"
#include "planner/cli/text_table.h"
#include "planner/evaluate/memory_interval.h"
#include "planner/evaluate/step_figures.h"
#include "planner/evaluate/step_interval.h"
#include "sim/report/idle_intervals.h"
#include "sim/report/memory.h"

namespace pipeloom::planner {

double json_time(int64_t ns) {
  return static_cast<double>(ns) / static_cast<double>(kNsPerUnit);
}

std::vector<int64_t> activation_peaks(const Subject& subject) {
  const Schedule& schedule = subject.evaluation.schedule;
  const ActivationSize one = {1'000'000, subject.job.weight_share_millionths};
  return sim::peak_activations(schedule, std::vector(schedule.stages(), one));
}

std::vector<IdleInterval> idle_of(const Subject& subject) {
  const Evaluation& evaluation = subject.evaluation;
  const MessageTable messages(evaluation.schedule);
  const sim::HandOvers hand_overs(evaluation.schedule, evaluation.costs.schedule, messages, evaluation.timeline,
                                  subject.job.p2p.mode);
  return sim::idle_intervals(evaluation.schedule, evaluation.timeline, hand_overs);
}

void add_figures(const Job& job, int64_t step_ns, int64_t peak_memory, nlohmann::json& json) {
  if (!job.model) return;
  const StepFigures figures = step_figures(job, step_ns);
  json["step_s"] = figures.step_s;
  json["tokens_per_s_per_gpu"] = figures.tokens_per_s_per_gpu;
  json["tflops_per_gpu"] = figures.tflops_per_gpu;
  json["mfu"] = figures.mfu;
  json["peak_memory_bytes"] = peak_memory;
  json["fits"] = peak_memory <= memory_limit_bytes(job);
}

std::string figures_text(const Job& job, int64_t step_ns) {
  const StepFigures figures = step_figures(job, step_ns);
  return fmt::format("{:.0f} tokens/s and {:.4g} TFLOPS per GPU, MFU {}", figures.tokens_per_s_per_gpu,
                     figures.tflops_per_gpu, percent_text(figures.mfu));
}

nlohmann::json subject_json(const Subject& subject) {
  const Evaluation& evaluation = subject.evaluation;
  const sim::Bubble& bubble = evaluation.bubble;
  nlohmann::json json = {{"schedule", subject.schedule_name},
                         {"placement", placement_name(evaluation.schedule.placement().kind())},
                         {"ranks", evaluation.schedule.ranks()},
                         {"stages", evaluation.schedule.stages()},
                         {"micro_batches", evaluation.schedule.micro_batches()},
                         {"unit", "ms"},
                         {"makespan", json_time(bubble.makespan_ns)},
                         {"span", json_time(bubble.span_ns)},
                         {"time_per_step", json_time(evaluation.end.step_ns)},
                         {"bubble_global_rate", bubble.global_rate()},
                         {"bubble_span_rate", bubble.span_rate()},
                         {"overlap", evaluation.overlap},
                         {"weight_copies", evaluation.weight_copies}};
  const std::vector<int64_t> peaks = activation_peaks(subject);
  for (int rank = 0; rank < evaluation.schedule.ranks(); ++rank) {
    json["busy"].push_back(json_time(bubble.busy_ns[rank]));
    json["bubble_global"].push_back(json_time(bubble.global_ns(rank)));
    json["bubble_span"].push_back(json_time(bubble.span_bubble_ns(rank)));
    json["peak_activations"].push_back(static_cast<double>(peaks[rank]) / 1e6);
    if (subject.job.model) json["rank_memory_bytes"].push_back(evaluation.memory[rank].total());
  }
  add_figures(subject.job, evaluation.end.step_ns, evaluation.peak_memory(), json);
  if (const auto peak = peak_interval(subject.job, evaluation.peak_memory())) {
    json["peak_memory_interval_bytes"] = {peak->low_bytes, peak->high_bytes};
  }
  if (const auto step = step_interval(subject.job, evaluation.end.step_ns)) {
    json["time_per_step_interval"] = {json_time(step->low_ns), json_time(step->high_ns)};
  }
  const auto totals = sim::idle_by_cause(evaluation.schedule.ranks(), idle_of(subject));
  for (int cause = 0; cause < kIdleCauses; ++cause) {
    nlohmann::json per_rank = nlohmann::json::array();
    int64_t sum_ns = 0;
    for (const auto& rank : totals) {
      per_rank.push_back(json_time(rank[cause]));
      sum_ns += rank[cause];
    }
    if (sum_ns > 0) json["idle"][idle_cause_name(static_cast<IdleCause>(cause))] = per_rank;
  }
  if (!evaluation.costs.layers_per_stage.empty()) json["layers_per_stage"] = evaluation.costs.layers_per_stage;
  return json;
}

void print_summary(const Subject& subject, const Output& output) {
  const Job& job = subject.job;
  const Evaluation& evaluation = subject.evaluation;
  const sim::Bubble& bubble = evaluation.bubble;
  output.out << fmt::format("makespan {}   span {}   bubble {} of the makespan, {} of the span\n",
                            time_text(job, bubble.makespan_ns), time_text(job, bubble.span_ns),
                            percent_text(bubble.global_rate()), percent_text(bubble.span_rate()));
  if (evaluation.end.step_ns != bubble.makespan_ns) {
    output.out << fmt::format("time per step {}, with gradient reduction and optimizer\n",
                              time_text(job, evaluation.end.step_ns));
  }
  if (job.model) output.out << figures_text(job, evaluation.end.step_ns) << '\n';
  if (const auto interval = step_interval(job, evaluation.end.step_ns)) {
    output.out << fmt::format("four of five such steps should lie between {} and {} (docs/validation.md)\n",
                              time_text(job, interval->low_ns), time_text(job, interval->high_ns));
  }
  if (const auto peak = peak_interval(job, evaluation.peak_memory())) {
    output.out << fmt::format("fullest rank {}; four of five should peak between {} and {}{}\n",
                              format_bytes(evaluation.peak_memory()), format_bytes(peak->low_bytes),
                              format_bytes(peak->high_bytes),
                              may_not_fit(job, evaluation.peak_memory())
                                  ? fmt::format(": it may not fit {}", format_bytes(memory_limit_bytes(job)))
                                  : "");
  }
  if (evaluation.overlap > 0) {
    output.out << fmt::format("all-to-all hidden under compute: {}\n", percent_text(evaluation.overlap));
  }
  if (!fits_memory(job, evaluation)) {
    output.out << fmt::format("does not fit the memory: the fullest rank needs {}, a GPU may use {}\n",
                              format_bytes(evaluation.peak_memory()), format_bytes(memory_limit_bytes(job)));
  }
  const int chunks = evaluation.schedule.stages() / evaluation.schedule.ranks();
  if (job.costs && chunks > 1) {
    output.out << fmt::format("times and activations are those of one chunk; a rank has {} per micro-batch\n", chunks);
  }
  const std::vector<int64_t> peaks = activation_peaks(subject);
  TextTable table({"rank", "busy", "idle", "bubble in span", "peak activations"});
  if (job.model) table.add_column("peak memory");
  for (int rank = 0; rank < evaluation.schedule.ranks(); ++rank) {
    std::vector<std::string> row = {std::to_string(rank), time_text(job, bubble.busy_ns[rank]),
                                    time_text(job, bubble.global_ns(rank)), time_text(job, bubble.span_bubble_ns(rank)),
                                    format_millionths(peaks[rank])};
    if (job.model) row.push_back(format_bytes(evaluation.memory[rank].total()));
    table.add_row(std::move(row));
  }
  output.out << '\n' << table.text();
}

}  // namespace pipeloom::planner
