#pragma once

#include <string_view>
#include <vector>

namespace pipeloom::planner {

// How a text begins, taken as JSON.
struct JsonBegin {
  bool object = false;
  bool list = false;
  std::vector<std::string_view> keys = {};  // of the object, without those of objects inside it

  bool json() const { return object || list; }
};

// Reads what is there of a text that may be cut off or damaged. The keys are parts of `text`.
JsonBegin begin_of_json(std::string_view text);

}  // namespace pipeloom::planner
