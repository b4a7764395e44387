#include "core/schedule/slot.h"

#include <fmt/format.h>

#include <array>

namespace pipeloom {

const char* slot_kind_name(SlotKind kind) {
  static constexpr std::array<const char*, 6> kNames = {"F", "B", "I", "W", "FB", "FI"};
  return kNames[static_cast<size_t>(kind)];
}

std::string slot_label(const Slot& slot) {
  if (slot.is_pair()) {
    return fmt::format("F{}&{}{}", slot.micro_batch, slot_kind_name(slot.backward_kind()), slot.backward_micro_batch);
  }
  return fmt::format("{}{}", slot_kind_name(slot.kind), slot.micro_batch);
}

}  // namespace pipeloom
