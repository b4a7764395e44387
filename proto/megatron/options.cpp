#include "proto/megatron/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace pipeloom::proto {

namespace {

constexpr int kMost = 100'000'000;  // far beyond any model, and a few times it still fits an int

template <typename Number>
std::optional<Number> parsed(const std::string& text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

bool is_option(const std::string& word) {
  return word.size() > 2 && word.starts_with("--");
}

}  // namespace

ArgumentOptions::ArgumentOptions(std::span<const ShellWord> words) {
  Option* open = nullptr;
  for (const ShellWord& word : words) {
    if (!is_option(word.text)) {
      if (open != nullptr) open->values.push_back(word.text);
      continue;
    }
    const size_t equals = word.text.find('=');
    std::string name = word.text.substr(2, equals == std::string::npos ? equals : equals - 2);
    std::ranges::replace(name, '_', '-');
    Option& option = options_[name];
    option = {.values = {}, .line = word.line};
    if (equals != std::string::npos) option.values.push_back(word.text.substr(equals + 1));
    open = &option;
  }
}

ArgumentOptions::Option* ArgumentOptions::find(std::string_view name) {
  const auto found = options_.find(name);
  if (found == options_.end()) return nullptr;
  found->second.used = true;
  return &found->second;
}

const std::string* ArgumentOptions::value(std::string_view name) {
  const Option* option = find(name);
  if (option == nullptr) return nullptr;
  if (!option->values.empty()) return &option->values.front();
  fail(fmt::format("--{} (line {}) has no value", name, option->line));
  return nullptr;
}

bool ArgumentOptions::flag(std::string_view name) {
  return find(name) != nullptr;
}

int ArgumentOptions::number(std::string_view name, int least) {
  if (!flag(name)) fail(fmt::format("--{} is missing", name));
  return number_or(name, least, least);
}

int ArgumentOptions::number_or(std::string_view name, int otherwise, int least) {
  const std::string* text = value(name);
  if (text == nullptr) return otherwise;
  const auto number = parsed<int>(*text);
  if (number && *number >= least && *number <= kMost) return *number;
  fail(name, fmt::format("allowed are whole numbers from {} to {}", least, kMost));
  return otherwise;
}

double ArgumentOptions::decimal_or(std::string_view name, double otherwise) {
  const std::string* text = value(name);
  if (text == nullptr) return otherwise;
  if (const auto number = parsed<double>(*text); number && *number >= 0 && *number <= kMost) return *number;
  fail(name, fmt::format("allowed are numbers from 0 to {}", kMost));
  return otherwise;
}

std::string ArgumentOptions::text_or(std::string_view name, std::string_view otherwise) {
  const std::string* text = value(name);
  return text != nullptr ? *text : std::string(otherwise);
}

std::vector<std::string> ArgumentOptions::texts(std::string_view name) {
  const Option* option = find(name);
  return option != nullptr ? option->values : std::vector<std::string>();
}

void ArgumentOptions::fail(std::string_view name, std::string_view allowed) {
  const Option* option = find(name);
  if (option == nullptr) return fail(fmt::format("--{} is missing; {}", name, allowed));
  fail(fmt::format("--{} (line {}) is {}; {}", name, option->line,
                   option->values.empty() ? "given" : fmt::format("{}", fmt::join(option->values, " ")), allowed));
}

void ArgumentOptions::fail(std::string message) {
  if (!error_) error_ = std::move(message);
}

Status ArgumentOptions::status() const {
  if (error_) return invalid(*error_);
  return {};
}

std::vector<std::string> ArgumentOptions::unused() const {
  std::vector<std::string> names;
  for (const auto& [name, option] : options_) {
    if (!option.used) names.push_back("--" + name);
  }
  return names;
}

}  // namespace pipeloom::proto
