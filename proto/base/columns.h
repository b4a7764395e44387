#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace pipeloom::proto {

// Tables are stored as one packed column per field. `Column` is a repeated field of a message.

template <typename Value, typename Column>
void store_values(const std::vector<Value>& values, Column* column) {
  column->Reserve(static_cast<int>(values.size()));
  for (const Value value : values) column->Add(value);
}

template <typename Row, typename Value, typename Column>
void store_column(const std::vector<Row>& rows, Value Row::*member, Column* column) {
  column->Reserve(static_cast<int>(rows.size()));
  for (const Row& row : rows) column->Add(static_cast<typename Column::value_type>(row.*member));
}

inline Status check_column_size(std::string_view name, int64_t size, int64_t needed) {
  if (size == needed) return {};
  return invalid(fmt::format("column {} has {} entries; {} are needed", name, size, needed));
}

template <typename Value, typename Column>
Result<std::vector<Value>> load_values(std::string_view name, const Column& column) {
  std::vector<Value> values;
  values.reserve(column.size());
  for (const auto value : column) {
    if (!std::in_range<Value>(value)) return invalid(fmt::format("column {} has the value {}", name, value));
    values.push_back(static_cast<Value>(value));
  }
  return values;
}

// Into rows that are already there.
template <typename Row, typename Value, typename Column>
Status load_column(std::string_view name, const Column& column, Value Row::*member, std::vector<Row>& rows) {
  PIPELOOM_RETURN_IF_ERROR(check_column_size(name, column.size(), static_cast<int64_t>(rows.size())));
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto value = column[static_cast<int>(i)];
    if (!std::in_range<Value>(value)) return invalid(fmt::format("column {} has the value {}", name, value));
    rows[i].*member = static_cast<Value>(value);
  }
  return {};
}

// A column of enum values, allowed up to `last`.
template <typename Row, typename Enum, typename Column>
Status load_enum_column(std::string_view name, const Column& column, Enum last, Enum Row::*member,
                        std::vector<Row>& rows) {
  PIPELOOM_RETURN_IF_ERROR(check_column_size(name, column.size(), static_cast<int64_t>(rows.size())));
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto value = static_cast<int64_t>(column[static_cast<int>(i)]);
    if (value < 0 || value > static_cast<int64_t>(last)) {
      return invalid(
          fmt::format("column {} has the value {}; allowed are 0 to {}", name, value, static_cast<int>(last)));
    }
    rows[i].*member = static_cast<Enum>(value);
  }
  return {};
}

}  // namespace pipeloom::proto
