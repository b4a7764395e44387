#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace pipeloom::backend {

// Something that is the same for all ranks of a run, or of a run and the one that it goes on from: "--seed", "7".
// Neither has tabs or ends of lines.
struct Fact {
  std::string name;
  std::string value;

  bool operator==(const Fact&) const = default;
};

// A line for each.
std::string text_of(const std::vector<Fact>& facts);
Result<std::vector<Fact>> facts_of(std::string_view text);

// "--steps 20 (not 10), --seed 2 (not 1)": what `found` has otherwise than `expected`; empty: nothing.
std::string differences(const std::vector<Fact>& found, const std::vector<Fact>& expected);

}  // namespace pipeloom::backend
