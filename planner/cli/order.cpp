#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>
#include <vector>

#include "planner/cli/command.h"
#include "planner/cli/subject_options.h"

namespace pipeloom::planner {

namespace {

// [micro-batch] Its number within its pipe.
std::vector<int> numbers_in_pipe(const Schedule& schedule) {
  std::vector<int> next(schedule.placement().pipes(), 0);
  std::vector<int> numbers;
  for (const uint16_t pipe : schedule.pipe_of_micro_batch()) numbers.push_back(next[pipe]++);
  return numbers;
}

void print_csv(const Schedule& schedule, std::ostream& out) {
  const std::vector<int> in_pipe = numbers_in_pipe(schedule);
  out << "rank,seq,op,stage,pipe,pipe_index,micro_batch\n";
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    size_t seq = 0;
    for (const Slot& slot : schedule.slots_of(rank)) {
      const int m = slot.micro_batch;
      if (slot.is_pair()) {
        const int b = slot.backward_micro_batch;
        out << fmt::format("{},{},{},{};{},{};{},{};{},{};{}\n", rank, seq, slot_kind_name(slot.kind), slot.stage,
                           slot.backward_stage, schedule.pipe_of(m), schedule.pipe_of(b), in_pipe[m], in_pipe[b], m, b);
      } else {
        out << fmt::format("{},{},{},{},{},{},{}\n", rank, seq, slot_kind_name(slot.kind), slot.stage,
                           schedule.pipe_of(m), in_pipe[m], m);
      }
      ++seq;
    }
  }
}

void print_text(const Schedule& schedule, std::ostream& out) {
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    out << rank << ':';
    for (const Slot& slot : schedule.slots_of(rank)) {
      out << ' ' << slot_label(slot);
      if (schedule.placement().chunks_per_rank() > 1) {
        out << '@' << slot.stage;
        if (slot.is_pair()) out << '&' << slot.backward_stage;
      }
    }
    out << '\n';
  }
}

nlohmann::json to_json(const Schedule& schedule) {
  nlohmann::json ranks = nlohmann::json::array();
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    nlohmann::json slots = nlohmann::json::array();
    for (const Slot& slot : schedule.slots_of(rank)) {
      nlohmann::json entry = {
          {"op", slot_kind_name(slot.kind)}, {"stage", slot.stage}, {"micro_batch", slot.micro_batch}};
      if (slot.is_pair()) {
        entry["backward_stage"] = slot.backward_stage;
        entry["backward_micro_batch"] = slot.backward_micro_batch;
      }
      slots.push_back(std::move(entry));
    }
    ranks.push_back(std::move(slots));
  }
  return {{"ranks", ranks}, {"pipe_of_micro_batch", schedule.pipe_of_micro_batch()}};
}

}  // namespace

Status run_order(const OrderOptions& options, const Output& output) {
  PIPELOOM_TRY(const Subject subject, load_subject(options.subject));
  const Schedule& schedule = subject.evaluation.schedule;
  if (options.json) {
    output.out << to_json(schedule).dump() << '\n';
  } else if (options.csv) {
    print_csv(schedule, output.out);
  } else {
    print_text(schedule, output.out);
  }
  return {};
}

}  // namespace pipeloom::planner
