#include <fmt/format.h>
#include <pybind11/stl.h>

#include <set>

#include "backend/python/bindings/bindings.h"
#include "core/schedule/message_order.h"

namespace pipeloom::backend {

namespace py = pybind11;

namespace {

constexpr Direction kDirections[] = {Direction::kForward, Direction::kBackward};

int checked_rank(const PythonPlan& plan, int rank) {
  if (rank >= 0 && rank < plan.schedule().ranks()) return rank;
  throw py::index_error(fmt::format("rank is {}; allowed are 0 to {}", rank, plan.schedule().ranks() - 1));
}

// A number of a message or slot; -1: none.
int64_t number_of(uint32_t number) {
  return number == MessageTable::kNone ? -1 : int64_t{number};
}

py::dict order(const PythonPlan& self, int rank) {
  const Schedule& schedule = self.schedule();
  const Timeline& timeline = self.subject.evaluation.timeline;
  std::vector<std::string> kinds;
  std::vector<int64_t> stage, micro_batch, pipe, backward_stage, backward_micro_batch, backward_pipe, begin, end;
  uint32_t number = schedule.first_slot(checked_rank(self, rank));
  for (const Slot& slot : schedule.slots_of(rank)) {
    const bool pair = slot.is_pair();
    kinds.emplace_back(slot_kind_name(slot.kind));
    stage.push_back(slot.stage);
    micro_batch.push_back(slot.micro_batch);
    pipe.push_back(schedule.pipe_of(slot.micro_batch));
    backward_stage.push_back(pair ? slot.backward_stage : -1);
    backward_micro_batch.push_back(pair ? slot.backward_micro_batch : -1);
    backward_pipe.push_back(pair ? schedule.pipe_of(slot.backward_micro_batch) : -1);
    begin.push_back(timeline.start_ns[number]);
    end.push_back(timeline.end_ns[number]);
    ++number;
  }
  py::dict columns;
  columns["kind"] = kinds;
  columns["stage"] = array_of(stage);
  columns["micro_batch"] = array_of(micro_batch);
  columns["pipe"] = array_of(pipe);
  columns["backward_stage"] = array_of(backward_stage);
  columns["backward_micro_batch"] = array_of(backward_micro_batch);
  columns["backward_pipe"] = array_of(backward_pipe);
  columns["begin_ns"] = array_of(begin);
  columns["end_ns"] = array_of(end);
  return columns;
}

py::dict messages(const PythonPlan& self) {
  const Schedule& schedule = self.schedule();
  std::vector<int64_t> source, target, stage, micro_batch, producer, consumer;
  std::vector<std::string> directions;
  for (const Message& message : self.messages.messages()) {
    const Placement::Queue& queue = schedule.placement().queues()[message.queue];
    const Slot& slot = schedule.slots()[message.producer];
    source.push_back(queue.source);
    target.push_back(queue.target);
    directions.emplace_back(queue.direction == Direction::kForward ? "forward" : "backward");
    stage.push_back(slot.stage_of(queue.direction));
    micro_batch.push_back(slot.micro_batch_of(queue.direction));
    producer.push_back(message.producer - schedule.first_slot(queue.source));
    consumer.push_back(message.consumer - schedule.first_slot(queue.target));
  }
  py::dict columns;
  columns["source"] = array_of(source);
  columns["target"] = array_of(target);
  columns["direction"] = directions;
  columns["stage"] = array_of(stage);
  columns["micro_batch"] = array_of(micro_batch);
  columns["producer"] = array_of(producer);
  columns["consumer"] = array_of(consumer);
  return columns;
}

py::list program(const PythonPlan& self, int rank) {
  const Schedule& schedule = self.schedule();
  const HostProgram& program = self.programs[checked_rank(self, rank)];
  const auto list_of = [](std::span<const uint32_t> numbers) {
    return std::vector<int64_t>(numbers.begin(), numbers.end());
  };
  py::list slots;
  for (uint32_t slot = schedule.first_slot(rank); slot < schedule.first_slot(rank + 1); ++slot) {
    const uint32_t position = slot - schedule.first_slot(rank);
    std::vector<int64_t> inputs, outputs;
    for (const Direction direction : kDirections) {
      inputs.push_back(number_of(self.messages.input(slot, direction)));
      outputs.push_back(number_of(self.messages.output(slot, direction)));
    }
    py::dict entry;
    entry["post"] = list_of(program.receives(position));
    entry["sent"] = list_of(program.sent(position));
    entry["inputs"] = inputs;
    entry["outputs"] = outputs;
    slots.append(entry);
  }
  return slots;
}

void check_messages(const PythonPlan& self) {
  const py::gil_scoped_release release;
  const auto actions = message_actions(self.schedule(), self.messages);
  value_or_throw(check_message_order(self.schedule(), self.messages, actions, Communicators::kEdge));
}

std::set<int> stages_of(const PythonPlan& self, int rank) {
  std::set<int> stages;
  for (const Chunk& chunk : self.schedule().placement().chunks_of(checked_rank(self, rank))) {
    stages.insert(chunk.stage);
  }
  return stages;
}

}  // namespace

void bind_orders(py::class_<PythonPlan>& plan) {
  plan.def("order", &order, py::arg("rank"),
           "Returns the rank's slots, one entry of each column per slot: kind (\"F\", \"B\", \"I\", \"W\", \"FB\" or "
           "\"FI\"),\n"
           "stage, micro_batch and pipe of the pass, in a pair of its F; backward_stage, backward_micro_batch and\n"
           "backward_pipe of a pair's backward pass, else -1; and the simulated begin_ns and end_ns.")
      .def("messages", &messages,
           "Returns what ranks send each other, one entry of each column per message: ranks source and target, "
           "direction,\n"
           "stage and micro_batch of the pass that makes it, and the slots producer and consumer as positions in the "
           "orders\n"
           "of source and target.")
      .def("program", &program, py::arg("rank"),
           "Returns what the rank's host does with messages, one entry per slot: the messages whose receives to `post` "
           "before\n"
           "the slot, in this order; the ones it has `sent` that are known to have been taken by then; the `inputs` it "
           "waits\n"
           "for and the `outputs` it sends, forward and backward, -1 for none. Messages are rows of messages().")
      .def("check_messages", &check_messages,
           "Raises Error if the messages could deadlock or be swapped, where each ordered pair of ranks has a "
           "communicator of\n"
           "its own and nothing is buffered. The error prints the cycle.")
      .def("stages_of", &stages_of, py::arg("rank"), "Returns the stages that the rank holds, as a set.");
}

}  // namespace pipeloom::backend
