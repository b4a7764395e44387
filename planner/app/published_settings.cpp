#include "planner/app/published_settings.h"

#include <fmt/format.h>

#include <charconv>

#include "planner/app/published_columns.h"

namespace pipeloom::planner {

std::string_view PublishedSettings::text(std::string_view column) {
  read_.emplace(column);
  return training_.text(column);
}

int PublishedSettings::count(std::string_view column) {
  if (text(column).empty()) fail(column, "was not published");
  return count_or(column, 1);
}

int PublishedSettings::count_or(std::string_view column, int otherwise) {
  const std::string_view cell = text(column);
  if (cell.empty()) return otherwise;
  int value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  constexpr int kMost = 100'000'000;
  if (error == std::errc() && end == cell.data() + cell.size() && value >= 0 && value <= kMost) return value;
  fail(column, fmt::format("is {}; allowed are whole numbers from 0 to {}", cell, kMost));
  return otherwise;
}

bool PublishedSettings::flag_or(std::string_view column, bool otherwise) {
  const std::string_view cell = text(column);
  if (cell == "0" || cell == "1") return cell == "1";
  if (!cell.empty()) fail(column, fmt::format("is {}; allowed are 0 and 1", cell));
  return otherwise;
}

void PublishedSettings::fail(std::string_view column, std::string_view why) {
  if (!error_) error_ = fmt::format("{} {}", column, why);
}

Status PublishedSettings::status() const {
  if (error_) return unsupported(*error_);
  return {};
}

std::vector<std::string> PublishedSettings::ignored() const {
  std::vector<std::string> columns;
  for (const auto& [column, value] : training_.settings) {
    if (!read_.contains(column) && !cannot_matter(column, value)) columns.push_back(column);
  }
  return columns;
}

}  // namespace pipeloom::planner
