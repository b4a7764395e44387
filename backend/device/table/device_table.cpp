#include "backend/device/table/device_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/base/check.h"

namespace pipeloom::backend {

DeviceTable::DeviceTable(std::vector<DeviceKind> rows) : rows_(std::move(rows)) {
  PIPELOOM_THROW_UNLESS(!rows_.empty() && rows_.front().missing.empty());
  const std::vector<std::string> all = names();
  PIPELOOM_THROW_UNLESS(std::set(all.begin(), all.end()).size() == all.size());
}

std::vector<std::string> DeviceTable::names() const {
  std::vector<std::string> names;
  for (const DeviceKind& row : rows_) names.push_back(row.name);
  return names;
}

const DeviceKind* DeviceTable::find(const std::string& name) const {
  const auto row = std::ranges::find(rows_, name, &DeviceKind::name);
  return row == rows_.end() ? nullptr : &*row;
}

const DeviceKind* DeviceTable::first_that_can(Ability ability) const {
  const DeviceKind* first = nullptr;
  for (const DeviceKind& row : rows_) {
    if (!row.can(ability)) continue;
    if (row.missing.empty()) return &row;
    if (first == nullptr) first = &row;
  }
  return first;
}

std::string DeviceTable::names_that_can(Ability ability) const {
  std::string names;
  for (const DeviceKind& row : rows_) {
    if (row.can(ability)) names += (names.empty() ? "" : " or ") + row.name;
  }
  return names;
}

Status DeviceTable::check_here(const DeviceKind& device) const {
  const bool built = device.missing.empty();
  const std::string reason = built ? device.why_not_here() : fmt::format("this pipeloom-run was {}", device.missing);
  if (reason.empty()) return {};
  const DeviceKind& other = rows_.front();
  return unsupported(fmt::format("--device {}: {}; --device {} runs the same plan on {}", device.name, reason,
                                 other.name, other.what));
}

}  // namespace pipeloom::backend
