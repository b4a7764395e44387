#include "core/slot.h"

#include <fmt/format.h>

#include <array>

namespace pipeloom {

const char* slot_kind_name(SlotKind kind) {
  static constexpr std::array<const char*, 5> kNames = {"F", "B", "I", "W", "FB"};
  return kNames[static_cast<size_t>(kind)];
}

std::string slot_label(const Slot& slot) {
  if (slot.kind == SlotKind::kFB) return fmt::format("F{}&B{}", slot.micro_batch, slot.backward_micro_batch);
  return fmt::format("{}{}", slot_kind_name(slot.kind), slot.micro_batch);
}

}  // namespace pipeloom
