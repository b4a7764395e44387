#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/costs/slot_program.h"
#include "planner/subject/subject.h"

namespace pipeloom::planner {

// The order of the components of one kind of slot, which a person may change. All slots that share it change with it.
// Positions count the issue order. Immutable.
class ComponentOrder {
 public:
  // Fails where the slot has no order of its own: only B and overlapped pairs with all-to-all do.
  static Result<ComponentOrder> of_slot(const Subject& subject, uint32_t slot);

  const SlotProgram& program() const { return program_; }
  const ComponentCost& cost(const SlotStep& step) const;
  bool is_communication(const SlotStep& step) const { return cost(step).lane == Lane::kEp; }

  // Where the component at `position` may go, ascending, its own place left out: F's and I's stay chains, a W stays
  // behind its I, and something on its lane changes.
  std::vector<size_t> legal_places(size_t position) const;
  // The nearest such place to the left or the right; its own where there is none.
  size_t neighbour(size_t position, bool left) const;
  SlotProgram moved(size_t position, size_t to) const;

 private:
  ComponentOrder(SlotProgram program, StageProgram forward, StageProgram backward)
      : program_(std::move(program)), forward_(std::move(forward)), backward_(std::move(backward)) {}
  bool keeps_order(const SlotProgram& program) const;
  bool changes_lane(const SlotProgram& program) const;

  SlotProgram program_;
  StageProgram forward_;
  StageProgram backward_;
};

// The subject with `program` in the place of the slot's order, timed anew. Its durations are worked out. Pure.
Result<Subject> with_component_order(const Subject& subject, uint32_t slot, const SlotProgram& program);

}  // namespace pipeloom::planner
