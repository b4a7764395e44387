#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "backend/model/parameters.h"
#include "core/job/model.h"

namespace pipeloom::backend {

// Matrices that several parts of a model use: embedding and head, which multi-token prediction modules share with the
// main model (DeepSeek-V3 report, arXiv 2412.19437, section 2.2).
enum class Table : uint8_t { kTokens = 0, kLogits = 1 };
inline constexpr Table kTables[] = {Table::kTokens, Table::kLogits};

// One thing for each table.
template <typename Value>
using OfTables = std::array<Value, 2>;
constexpr size_t number_of(Table table) {
  return static_cast<size_t>(table);
}

// [vocabulary, hidden] and [hidden, vocabulary].
Parameter table_parameter(Table table, const Model& model);

}  // namespace pipeloom::backend
