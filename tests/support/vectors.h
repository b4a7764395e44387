#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/schedule/slot.h"

namespace pipeloom::tests {

// One file of tests/data/vectors: the per-rank order that a schedule's own reference code produced.
struct ReferenceOrder {
  std::string file;
  std::string schedule;  // the reference's name: "dualpipe", "zb_h1"
  std::string source;
  int ranks = 0;
  int micro_batches = 0;
  std::map<std::string, std::string> parameters;  // "V" -> "2", "f" -> "10/12/11/15", ...
  RankOrders orders;                              // micro-batches numbered over the step, as Pipeloom does

  // Returns the parameter, or `otherwise` if the file has none.
  int parameter(const std::string& name, int otherwise) const;
};

// Reads every compute vector (no *_comm_*) whose schedule is `schedule`; the test fails if there is none.
std::vector<ReferenceOrder> reference_orders(const std::string& schedule);

// Reads the rows of a CSV file below tests/data as maps from column to text.
std::vector<std::map<std::string, std::string>> read_csv(const std::string& path_below_data);

}  // namespace pipeloom::tests
