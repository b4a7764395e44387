#pragma once

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "core/base/result.h"

namespace pipeloom::proto {

// Reads fields of a JSON object and remembers the first that is missing or mistyped: read all of them, then ask.
class ConfigFields {
 public:
  // REQUIRES: config is an object and outlives this.
  explicit ConfigFields(const nlohmann::json& config) : config_(config) {}

  // A whole number from `least`; `otherwise` where it is absent or null.
  int number(const char* field, int least = 1);
  int number_or(const char* field, int otherwise, int least = 1);
  bool flag_or(const char* field, bool otherwise);
  // A number from 0 to 1.
  double share_or(const char* field, double otherwise);
  // A positive number.
  double factor_or(const char* field, double otherwise);
  // One of `allowed`, which begins with what an absent field means.
  std::string name_of(const char* field, std::initializer_list<const char*> allowed);

  // Of the fields themselves, or of how they fit together.
  void fail(std::string message);
  Status status() const;

 private:
  const nlohmann::json* find(const char* field) const;

  const nlohmann::json& config_;
  std::optional<std::string> error_;
};

}  // namespace pipeloom::proto
