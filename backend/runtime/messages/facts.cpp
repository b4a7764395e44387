#include "backend/runtime/messages/facts.h"

#include <fmt/format.h>

#include <algorithm>

namespace pipeloom::backend {

namespace {

const std::string* value_of(const std::vector<Fact>& facts, const std::string& name) {
  const auto place = std::ranges::find(facts, name, &Fact::name);
  return place == facts.end() ? nullptr : &place->value;
}

void append(std::string& list, const std::string& entry) {
  list += (list.empty() ? "" : ", ") + entry;
}

}  // namespace

std::string text_of(const std::vector<Fact>& facts) {
  std::string text;
  for (const Fact& fact : facts) text += fact.name + '\t' + fact.value + '\n';
  return text;
}

Result<std::vector<Fact>> facts_of(std::string_view text) {
  std::vector<Fact> facts;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const size_t tab = text.substr(0, end).find('\t');
    if (end == std::string_view::npos || tab == std::string_view::npos) return invalid("it is no list of facts");
    facts.push_back({std::string(text.substr(0, tab)), std::string(text.substr(tab + 1, end - tab - 1))});
    text.remove_prefix(end + 1);
  }
  return facts;
}

std::string differences(const std::vector<Fact>& found, const std::vector<Fact>& expected) {
  std::string list;
  for (const Fact& fact : expected) {
    const std::string* value = value_of(found, fact.name);
    if (value == nullptr) {
      append(list, fmt::format("no {} (not {})", fact.name, fact.value));
    } else if (*value != fact.value) {
      append(list, fmt::format("{} {} (not {})", fact.name, *value, fact.value));
    }
  }
  for (const Fact& fact : found) {
    if (value_of(expected, fact.name) == nullptr) append(list, fmt::format("{} {}", fact.name, fact.value));
  }
  return list;
}

}  // namespace pipeloom::backend
