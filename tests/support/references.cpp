#include "tests/support/references.h"

#include <set>

namespace pipeloom::tests {

std::vector<ReferenceOrder> all_references() {
  std::set<std::string> names;
  for (auto& row : read_csv("vectors/MANIFEST.csv")) {
    if (row["schedule"].find("_comm") == std::string::npos) names.insert(row["schedule"]);
  }
  std::vector<ReferenceOrder> all;
  for (const auto& name : names) {
    for (auto& reference : reference_orders(name)) all.push_back(std::move(reference));
  }
  return all;
}

std::vector<Schedule> small_reference_schedules(int ranks, int micro_batches) {
  std::vector<Schedule> schedules;
  for (const ReferenceOrder& reference : all_references()) {
    if (reference.ranks > ranks || reference.micro_batches > micro_batches) continue;
    schedules.push_back(reference_schedule(reference).value());
  }
  return schedules;
}

}  // namespace pipeloom::tests
