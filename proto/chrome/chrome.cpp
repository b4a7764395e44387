#include "proto/chrome/chrome.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/base/check.h"
#include "core/costs/component.h"

namespace pipeloom::proto {

namespace {

// 1234567 ns -> "1234.567"
std::string microseconds(int64_t ns) {
  return fmt::format("{}.{:03}", ns / 1000, ns % 1000);
}

class ChromeWriter {
 public:
  ChromeWriter(const Schedule& schedule, const Timeline& timeline) : schedule_(schedule), timeline_(timeline) {}

  std::string write(const std::string& title) {
    text_ = fmt::format("{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"title\":{}}},\"traceEvents\":[",
                        nlohmann::json(title).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    for (int rank = 0; rank < schedule_.ranks(); ++rank) write_rank(rank);
    write_hand_overs(Direction::kForward);
    write_hand_overs(Direction::kBackward);
    text_ += "\n]}\n";
    return std::move(text_);
  }

 private:
  template <typename... Arguments>
  void event(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    text_ += first_ ? "\n" : ",\n";
    first_ = false;
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
  }

  void write_rank(int rank) {
    event(R"({{"ph":"M","name":"process_name","pid":{},"args":{{"name":"rank {}"}}}})", rank, rank);
    event(R"({{"ph":"M","name":"process_sort_index","pid":{},"args":{{"sort_index":{}}}}})", rank, rank);
    event(R"({{"ph":"M","name":"thread_name","pid":{},"tid":0,"args":{{"name":"{}"}}}})", rank,
          lane_name(Lane::kCompute));
    for (uint32_t slot = schedule_.first_slot(rank); slot < schedule_.first_slot(rank + 1); ++slot) {
      write_slot(rank, slot);
    }
  }

  void write_slot(int rank, uint32_t number) {
    const Slot& slot = schedule_.slots()[number];
    const int64_t start_ns = timeline_.start_ns[number];
    event(R"({{"ph":"X","cat":"{}","name":"{}","pid":{},"tid":0,"ts":{},"dur":{},"args":{{{}}}}})",
          slot_kind_name(slot.kind), slot_label(slot), rank, microseconds(start_ns),
          microseconds(timeline_.end_ns[number] - start_ns), arguments_of(slot));
  }

  std::string arguments_of(const Slot& slot) const {
    std::string text = fmt::format(R"("stage":{},"micro_batch":{},"pipe":{})", slot.stage, slot.micro_batch,
                                   schedule_.pipe_of(slot.micro_batch));
    if (slot.is_pair()) {
      text += fmt::format(R"(,"backward_stage":{},"backward_micro_batch":{},"backward_pipe":{})", slot.backward_stage,
                          slot.backward_micro_batch, schedule_.pipe_of(slot.backward_micro_batch));
    }
    return text;
  }

  size_t cell_of(const Slot& slot, Direction direction, int step) const {
    const int towards = direction == Direction::kForward ? step : -step;
    return schedule_.cell(slot.stage_of(direction) + towards, slot.micro_batch_of(direction));
  }

  int queue_from(const Slot& slot, Direction direction) const {
    const int pipe = schedule_.pipe_of(slot.micro_batch_of(direction));
    return schedule_.placement().queue_from(direction, pipe, slot.stage_of(direction));
  }

  void write_hand_overs(Direction direction) {
    const auto slots = schedule_.slots();
    std::vector<uint32_t> slot_of_cell(static_cast<size_t>(schedule_.stages()) * schedule_.micro_batches());
    for (uint32_t i = 0; i < slots.size(); ++i) {
      if (slots[i].hands_over(direction)) slot_of_cell[cell_of(slots[i], direction, 0)] = i;
    }
    for (uint32_t i = 0; i < slots.size(); ++i) {
      if (!slots[i].hands_over(direction)) continue;
      const int queue = queue_from(slots[i], direction);
      if (queue >= 0) write_hand_over(queue, i, slot_of_cell[cell_of(slots[i], direction, 1)]);
    }
  }

  // An arrow starts and ends inside slots, or viewers drop it.
  void write_hand_over(int queue, uint32_t producer, uint32_t consumer) {
    const auto& [source, target, direction] = schedule_.placement().queues()[queue];
    const char* name = direction == Direction::kForward ? "activation" : "gradient";
    const int64_t leaves_ns = std::max(timeline_.start_ns[producer], timeline_.end_ns[producer] - 1);
    event(R"({{"ph":"s","cat":"p2p","name":"{}","id":{},"pid":{},"tid":0,"ts":{}}})", name, flows_, source,
          microseconds(leaves_ns));
    event(R"({{"ph":"f","bp":"e","cat":"p2p","name":"{}","id":{},"pid":{},"tid":0,"ts":{}}})", name, flows_, target,
          microseconds(timeline_.start_ns[consumer]));
    ++flows_;
  }

  const Schedule& schedule_;
  const Timeline& timeline_;
  std::string text_;
  bool first_ = true;
  int64_t flows_ = 0;
};

}  // namespace

std::string chrome_trace(const Schedule& schedule, const Timeline& timeline, const std::string& title) {
  PIPELOOM_THROW_UNLESS(timeline.start_ns.size() == schedule.slots().size());
  PIPELOOM_THROW_UNLESS(timeline.end_ns.size() == schedule.slots().size());
  return ChromeWriter(schedule, timeline).write(title);
}

}  // namespace pipeloom::proto
