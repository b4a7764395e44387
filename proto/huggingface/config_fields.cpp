#include "proto/huggingface/config_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

namespace pipeloom::proto {

const nlohmann::json* ConfigFields::find(const char* field) const {
  const auto found = config_.find(field);
  return found == config_.end() || found->is_null() ? nullptr : &*found;
}

int ConfigFields::number(const char* field, int least) {
  if (find(field)) return number_or(field, least, least);
  fail(fmt::format("{} is missing", field));
  return least;
}

int ConfigFields::number_or(const char* field, int otherwise, int least) {
  const nlohmann::json* value = find(field);
  if (!value) return otherwise;
  constexpr int kMost = 100'000'000;  // far beyond any model, and a few times it still fits an int
  if (value->is_number_integer() && *value >= least && *value <= kMost) return value->get<int>();
  fail(fmt::format("{} is {}; allowed are whole numbers from {} to {}", field, value->dump(), least, kMost));
  return otherwise;
}

bool ConfigFields::flag_or(const char* field, bool otherwise) {
  const nlohmann::json* value = find(field);
  if (!value) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  fail(fmt::format("{} is {}; allowed are true and false", field, value->dump()));
  return otherwise;
}

double ConfigFields::share_or(const char* field, double otherwise) {
  const nlohmann::json* value = find(field);
  if (!value) return otherwise;
  if (value->is_number() && *value >= 0 && *value <= 1) return value->get<double>();
  fail(fmt::format("{} is {}; allowed are 0 to 1", field, value->dump()));
  return otherwise;
}

double ConfigFields::factor_or(const char* field, double otherwise) {
  const nlohmann::json* value = find(field);
  if (!value) return otherwise;
  if (value->is_number() && *value > 0 && *value <= 1e6) return value->get<double>();
  fail(fmt::format("{} is {}; allowed are numbers above 0 and up to 1e6", field, value->dump()));
  return otherwise;
}

std::string ConfigFields::name_of(const char* field, std::initializer_list<const char*> allowed) {
  const nlohmann::json* value = find(field);
  if (!value) return *allowed.begin();
  for (const char* name : allowed) {
    if (*value == name) return name;
  }
  fail(fmt::format("{} is {}; allowed are {}", field, value->dump(), fmt::join(allowed, ", ")));
  return *allowed.begin();
}

void ConfigFields::fail(std::string message) {
  if (!error_) error_ = std::move(message);
}

Status ConfigFields::status() const {
  if (error_) return invalid(*error_);
  return {};
}

}  // namespace pipeloom::proto
