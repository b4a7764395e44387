#include "tests/support/orders.h"

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>

namespace pipeloom::tests {

namespace {

Slot parse_pass(const std::string& text, int rank) {
  static const std::string kLetters = "FBIW";  // in the order of SlotKind
  const size_t kind = kLetters.find(text.at(0));
  if (kind == std::string::npos) throw std::invalid_argument("no pass: " + text);
  size_t end = 0;
  const int micro_batch = std::stoi(text.substr(1), &end);
  const std::string rest = text.substr(1 + end);
  if (!rest.empty() && rest[0] != '@') throw std::invalid_argument("no pass: " + text);
  return Slot::pass(static_cast<SlotKind>(kind), rest.empty() ? rank : std::stoi(rest.substr(1)), micro_batch);
}

Slot parse_slot(const std::string& text, int rank) {
  const size_t both = text.find('&');
  if (both == std::string::npos) return parse_pass(text, rank);
  const Slot f = parse_pass(text.substr(0, both), rank);
  const Slot b = parse_pass(text.substr(both + 1), rank);
  if (f.kind != SlotKind::kF || (b.kind != SlotKind::kB && b.kind != SlotKind::kI))
    throw std::invalid_argument("no pair: " + text);
  const SlotKind kind = b.kind == SlotKind::kI ? SlotKind::kFI : SlotKind::kFB;
  return Slot::pair(f.stage, f.micro_batch, b.stage, b.micro_batch, kind);
}

std::string print_pass(SlotKind kind, int stage, int micro_batch, int rank) {
  const char* name = slot_kind_name(kind);
  return stage == rank ? fmt::format("{}{}", name, micro_batch) : fmt::format("{}{}@{}", name, micro_batch, stage);
}

}  // namespace

RankOrders parse_orders(std::string_view text) {
  RankOrders orders;
  std::istringstream lines{std::string(text)};
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string word;
    if (!(words >> word)) continue;
    const int rank = static_cast<int>(orders.size());
    if (word != fmt::format("{}:", rank)) throw std::invalid_argument(fmt::format("expected rank {}", rank));
    orders.emplace_back();
    while (words >> word) orders.back().push_back(parse_slot(word, rank));
  }
  return orders;
}

std::string print_order(int rank, std::span<const Slot> slots) {
  std::string line = fmt::format("{}:", rank);
  for (const Slot& slot : slots) {
    if (slot.is_pair()) {
      line += fmt::format(" {}&{}", print_pass(SlotKind::kF, slot.stage, slot.micro_batch, rank),
                          print_pass(slot.backward_kind(), slot.backward_stage, slot.backward_micro_batch, rank));
    } else {
      line += fmt::format(" {}", print_pass(slot.kind, slot.stage, slot.micro_batch, rank));
    }
  }
  return line + "\n";
}

std::string print_orders(const RankOrders& orders) {
  std::string text;
  for (size_t rank = 0; rank < orders.size(); ++rank) text += print_order(static_cast<int>(rank), orders[rank]);
  return text;
}

std::string print_orders(const Schedule& schedule) {
  std::string text;
  for (int rank = 0; rank < schedule.ranks(); ++rank) text += print_order(rank, schedule.slots_of(rank));
  return text;
}

}  // namespace pipeloom::tests
