#include "sim/report/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "core/base/units.h"
#include "planner/cli/command.h"
#include "planner/cli/report.h"
#include "planner/cli/subject_options.h"
#include "planner/cli/text_table.h"

namespace pipeloom::planner {

namespace {

// What a rank holds besides activations and temporaries, all the time.
int64_t resident_bytes(const RankMemory& memory) {
  return memory.total() - memory.activations - memory.temporaries;
}

std::string share_of_gpu(const Subject& subject, const RankMemory& memory) {
  return percent_text(static_cast<double>(memory.total()) / static_cast<double>(memory_limit_bytes(subject.job)));
}

// A job with software: what its framework allocates, and what each of the three counters shows.
void print_counters(const Subject& subject, std::ostream& out) {
  TextTable table({"rank", "weights", "gradients", "optimizer", "dummies", "activations", "temporaries", "workspace",
                   "allocated", "fragmentation", "reserved", "outside", "nvidia-smi", "of GPU"});
  const std::vector<RankMemory>& ranks = subject.evaluation.memory;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const RankMemory& memory = ranks[rank];
    table.add_row({std::to_string(rank), format_bytes(memory.state.weights_bytes),
                   format_bytes(memory.state.gradients_bytes), format_bytes(memory.state.optimizer_bytes),
                   format_bytes(memory.dummy_gradients), format_bytes(memory.activations),
                   format_bytes(memory.temporaries), format_bytes(memory.reserve.workspace_bytes),
                   format_bytes(memory.allocated()), format_bytes(memory.reserve.fragmentation_bytes),
                   format_bytes(memory.reserved()), format_bytes(memory.total() - memory.reserved()),
                   format_bytes(memory.total()), share_of_gpu(subject, memory)});
  }
  out << table.text()
      << "\nallocated: all tensors at the fullest moment. reserved: and what the allocator can't hand out. nvidia-smi: "
         "and"
         "\nCUDA's context and buffers of collectives. dummies: stand for weight gradients that products sum "
         "themselves.\n";
}

void print_ranks(const Subject& subject, std::ostream& out) {
  if (subject.job.software) return print_counters(subject, out);
  TextTable table({"rank", "weights", "gradients", "optimizer", "activations", "receive", "collectives", "workspace",
                   "runtime", "fragmentation", "total", "of GPU"});
  const std::vector<RankMemory>& ranks = subject.evaluation.memory;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const RankMemory& memory = ranks[rank];
    table.add_row({std::to_string(rank), format_bytes(memory.state.weights_bytes),
                   format_bytes(memory.state.gradients_bytes), format_bytes(memory.state.optimizer_bytes),
                   format_bytes(memory.activations), format_bytes(memory.receive_buffers),
                   format_bytes(memory.reserve.communication_bytes), format_bytes(memory.reserve.workspace_bytes),
                   format_bytes(memory.reserve.runtime_bytes), format_bytes(memory.reserve.fragmentation_bytes),
                   format_bytes(memory.total()), share_of_gpu(subject, memory)});
  }
  out << table.text();
}

// The most that is held in each of `columns` equal parts of the step.
std::vector<int64_t> columns_of(const std::vector<sim::MemoryPoint>& curve, int64_t makespan_ns, int columns) {
  std::vector<int64_t> most(columns, 0);
  size_t point = 0;
  for (int column = 0; column < columns; ++column) {
    const int64_t end_ns = makespan_ns / columns * (column + 1);
    most[column] = curve[point].held;
    while (point + 1 < curve.size() && curve[point + 1].time_ns < end_ns) {
      ++point;
      most[column] = std::max(most[column], curve[point].held);
    }
  }
  return most;
}

// A bar per part of the step, from what is always there up to the GPU's capacity.
void print_curve(const Subject& subject, int rank, const std::vector<sim::MemoryPoint>& curve, int columns,
                 std::ostream& out) {
  constexpr int kRows = 8;
  const int64_t resident = resident_bytes(subject.evaluation.memory[rank]);
  const int64_t top = std::max(memory_limit_bytes(subject.job), subject.evaluation.memory[rank].total());
  const std::vector<int64_t> most = columns_of(curve, subject.evaluation.bubble.makespan_ns, columns);
  for (int row = kRows; row >= 1; --row) {
    const int64_t level = top / kRows * row;
    const int64_t below = top / kRows * (row - 1);
    out << fmt::format("{:>9} |", format_bytes(level));
    for (const int64_t held : most) {
      out << (level <= resident ? '=' : resident + held > below + top / kRows / 2 ? '#' : resident > below ? '=' : ' ');
    }
    out << '\n';
  }
  out << fmt::format("{:>9} 0{:>{}}\n", "", time_text(subject.job, subject.evaluation.bubble.makespan_ns), columns - 1);
}

void print_alive(const Subject& subject, int rank, std::ostream& out) {
  const auto& activations = subject.evaluation.costs.activations;
  TextTable table({"stage", "whole", "for W only", "bytes of one"});
  for (const sim::AliveAtPeak& alive : sim::alive_at_peak(subject.evaluation.schedule, activations, rank)) {
    table.add_row({std::to_string(alive.stage), std::to_string(alive.whole), std::to_string(alive.for_weight),
                   format_bytes(activations[alive.stage].total)});
  }
  out << "micro-batches alive at its fullest\n\n" << table.text();
}

nlohmann::json rank_json(const Job& job, const RankMemory& memory) {
  nlohmann::json json = {{"weights_bytes", memory.state.weights_bytes},
                         {"gradients_bytes", memory.state.gradients_bytes},
                         {"optimizer_bytes", memory.state.optimizer_bytes},
                         {"activations_bytes", memory.activations},
                         {"receive_buffers_bytes", memory.receive_buffers},
                         {"communication_bytes", memory.reserve.communication_bytes},
                         {"workspace_bytes", memory.reserve.workspace_bytes},
                         {"runtime_bytes", memory.reserve.runtime_bytes},
                         {"fragmentation_bytes", memory.reserve.fragmentation_bytes},
                         {"total_bytes", memory.total()}};
  if (!job.software) return json;
  json["dummy_gradients_bytes"] = memory.dummy_gradients;
  json["temporaries_bytes"] = memory.temporaries;
  json["allocated_bytes"] = memory.allocated();
  json["reserved_bytes"] = memory.reserved();
  return json;
}

nlohmann::json to_json(const Subject& subject, int rank, const std::vector<sim::MemoryPoint>& curve) {
  const Evaluation& evaluation = subject.evaluation;
  nlohmann::json json = {{"schedule", subject.schedule_name},
                         {"limit_bytes", memory_limit_bytes(subject.job)},
                         {"rank", rank},
                         {"unit", "ms"}};
  for (const RankMemory& memory : evaluation.memory) json["ranks"].push_back(rank_json(subject.job, memory));
  const int64_t resident = resident_bytes(evaluation.memory[rank]);
  for (const sim::MemoryPoint& point : curve) {
    json["over_time"].push_back({{"time", json_time(point.time_ns)}, {"bytes", resident + point.held}});
  }
  for (const sim::AliveAtPeak& alive : sim::alive_at_peak(evaluation.schedule, evaluation.costs.activations, rank)) {
    json["alive_at_peak"].push_back({{"stage", alive.stage}, {"whole", alive.whole}, {"for_weight", alive.for_weight}});
  }
  return json;
}

}  // namespace

Status run_memory(const MemoryOptions& options, const Output& output) {
  PIPELOOM_TRY(const Subject subject, load_subject(options.subject));
  if (!subject.job.model) return invalid("memory in bytes needs a job with a model; `simulate` counts activations");
  const Evaluation& evaluation = subject.evaluation;
  const int ranks = evaluation.schedule.ranks();
  if (options.rank >= ranks) {
    return invalid(fmt::format("--rank is {}; allowed are 0 to {}", options.rank, ranks - 1));
  }
  const int rank = options.rank < 0 ? evaluation.fullest_rank() : options.rank;
  const std::vector<sim::MemoryPoint> curve = sim::activation_curve(
      evaluation.schedule, evaluation.timeline, evaluation.costs.activations, rank, evaluation.costs.temporaries);
  if (options.json) {
    output.out << to_json(subject, rank, curve).dump(2) << '\n';
    return {};
  }
  constexpr int kAxisColumns = 11;
  output.out << headline(subject) << "\n\n";
  print_ranks(subject, output.out);
  output.out << fmt::format("\nrank {} over the step: = always there, # activations{}\n\n", rank,
                            subject.job.software ? " and temporaries" : "");
  print_curve(subject, rank, curve, output.terminal.columns - kAxisColumns, output.out);
  output.out << '\n';
  print_alive(subject, rank, output.out);
  return {};
}

}  // namespace pipeloom::planner
