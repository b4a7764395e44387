#pragma once

#include <string>
#include <vector>

#include "backend/device/table/device_kind.h"

namespace pipeloom::backend {

// The devices that a program knows. The first row is the default, and what is offered in place of a device that is not
// here: every build can run on it.
class DeviceTable {
 public:
  // REQUIRES: at least one row, none with the name of another, and the first is not missing.
  explicit DeviceTable(std::vector<DeviceKind> rows);

  const std::vector<DeviceKind>& rows() const { return rows_; }
  std::vector<std::string> names() const;
  // Null: there is none of that name.
  const DeviceKind* find(const std::string& name) const;
  // The first device that can, one of this build if there is any; null: none can.
  const DeviceKind* first_that_can(Ability ability) const;
  // "cuda", "cuda or emulated": all that can; empty: none.
  std::string names_that_can(Ability ability) const;
  // Whether this process can use the device now; the error says why not and what to use instead.
  Status check_here(const DeviceKind& device) const;

 private:
  std::vector<DeviceKind> rows_;
};

}  // namespace pipeloom::backend
