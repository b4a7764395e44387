#include "tests/support/vectors.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace pipeloom::tests {

namespace {

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == separator && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

// Converts a micro-batch's number: DualPipe counts per direction, Pipeloom over the step, direction 0 first.
int over_the_step(const ReferenceOrder& reference, int direction, int micro_batch) {
  const bool per_direction = reference.schedule == "dualpipe";
  return per_direction ? direction * (reference.micro_batches / 2) + micro_batch : micro_batch;
}

Slot read_slot(const ReferenceOrder& reference, std::map<std::string, std::string>& row) {
  const std::string& op = row["op"];
  if (op == "OVERLAP_FB") {
    const auto stages = split(row["stage_or_chunk"], ';');
    const auto directions = split(row["phase_direction"], ';');
    const auto micro_batches = split(row["microbatch"], ';');
    return Slot::pair(
        std::stoi(stages.at(0)), over_the_step(reference, std::stoi(directions.at(0)), std::stoi(micro_batches.at(0))),
        std::stoi(stages.at(1)), over_the_step(reference, std::stoi(directions.at(1)), std::stoi(micro_batches.at(1))));
  }
  const std::map<std::string, SlotKind> kinds = {
      {"F", SlotKind::kF}, {"B", SlotKind::kB}, {"I", SlotKind::kI}, {"W", SlotKind::kW}};
  return Slot::pass(kinds.at(op), std::stoi(row["stage_or_chunk"]),
                    over_the_step(reference, std::stoi(row["phase_direction"]), std::stoi(row["microbatch"])));
}

}  // namespace

int ReferenceOrder::parameter(const std::string& name, int otherwise) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? otherwise : std::stoi(found->second);
}

std::vector<std::map<std::string, std::string>> read_csv(const std::string& path_below_data) {
  std::ifstream in(std::string(PIPELOOM_TEST_DATA) + "/" + path_below_data);
  EXPECT_TRUE(in.good()) << path_below_data;
  std::string line;
  std::getline(in, line);
  const std::vector<std::string> columns = split(line, ',');
  std::vector<std::map<std::string, std::string>> rows;
  while (std::getline(in, line)) {
    const std::vector<std::string> fields = split(line, ',');
    auto& row = rows.emplace_back();
    for (size_t i = 0; i < columns.size() && i < fields.size(); ++i) row[columns[i]] = fields[i];
  }
  return rows;
}

std::vector<ReferenceOrder> reference_orders(const std::string& schedule) {
  std::vector<ReferenceOrder> references;
  for (auto& entry : read_csv("vectors/MANIFEST.csv")) {
    if (entry["schedule"] != schedule) continue;
    ReferenceOrder& reference = references.emplace_back();
    reference.file = entry["file"];
    reference.schedule = schedule;
    reference.source = entry["source"];
    reference.ranks = std::stoi(entry["P"]);
    reference.micro_batches = std::stoi(entry["M"]);
    for (const std::string& pair : split(entry["params"], ';')) {
      const size_t equals = pair.find('=');
      if (equals != std::string::npos) reference.parameters[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
    reference.orders.resize(reference.ranks);
    for (auto& row : read_csv("vectors/" + reference.file)) {
      reference.orders.at(std::stoi(row["rank"])).push_back(read_slot(reference, row));
    }
  }
  EXPECT_FALSE(references.empty()) << schedule;
  return references;
}

}  // namespace pipeloom::tests
