#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace pipeloom::proto {

// One figure that somebody measured.
struct PublishedFigure {
  std::string metric;  // "step_s", "tokens_per_s_per_gpu", "memory_reserved_gib_max", ...
  double value = 0;
  std::string unit;
  std::string counter;  // what a memory figure counts: "allocated", "reserved", "nvidia-smi"; empty: not said
};

// A training that was published: its settings and what was measured of it.
struct PublishedTraining {
  std::string id;
  // Settings by column; cells that were not published are left out.
  std::map<std::string, std::string, std::less<>> settings;
  std::vector<PublishedFigure> figures;

  // Empty if it was not published.
  std::string_view text(std::string_view column) const;
};

// Reads a CSV with a header and quoted cells. Rows of one id are one training, whose settings are those of the first.
// Errors name path and line: a column that is missing, a row with too few cells, a value that is no number.
Result<std::vector<PublishedTraining>> parse_published(std::string_view path, std::string_view csv);

}  // namespace pipeloom::proto
