#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/schedule/schedule.h"
#include "core/schedule/slot.h"

namespace pipeloom::tests {

// Parses orders from text, one rank a line: "0: F0 F1 B0 F2&B1". A pass is a kind and a micro-batch; its stage is the
// rank's number unless it names another: "F0@3". Throws std::invalid_argument on anything else.
RankOrders parse_orders(std::string_view text);

// Prints such text, with every stage that is not the rank's number.
std::string print_order(int rank, std::span<const Slot> slots);
std::string print_orders(const RankOrders& orders);
std::string print_orders(const Schedule& schedule);

}  // namespace pipeloom::tests
