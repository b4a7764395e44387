#pragma once

#include <algorithm>
#include <tuple>
#include <utility>

#include "proto/manual/command_page.h"

namespace pipeloom::proto {

// "TEXT:{I,W}" or "INT:INT in [1 - 9]", as CLI11 names the type of an option -> "TEXT" and {"I", "W"}.
inline std::pair<std::string, std::vector<std::string>> type_and_choices(const std::string& text) {
  const size_t colon = text.find(':');
  std::vector<std::string> choices;
  const size_t open = text.find('{', std::min(colon, text.size()));
  const size_t close = text.find('}', std::min(open, text.size()));
  if (close != std::string::npos) {
    for (size_t begin = open + 1; begin < close;) {
      const size_t end = std::min(text.find(',', begin), close);
      choices.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return {text.substr(0, colon), choices};
}

template <typename Option>
OptionEntry option_entry(const Option& option) {
  OptionEntry entry;
  for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
  entry.positional = entry.names.empty();
  if (entry.positional) entry.names.push_back(option.get_name());
  if (option.get_type_size_max() > 0) {
    std::tie(entry.value, entry.choices) = type_and_choices(option.get_type_name());
  }
  entry.default_value = option.get_default_str();
  entry.description = option.get_description();
  entry.required = option.get_required();
  entry.repeats = option.get_items_expected_max() > 1;
  return entry;
}

// The page of a CLI::App and of its subcommands, without what it hides (a group without a name). A template, so that
// this header needs no CLI11, which is slow to compile: only the file that defines the options includes it.
template <typename App>
CommandPage command_page(const App& app) {
  CommandPage page;
  page.name = app.get_name();
  page.description = app.get_description();
  page.footer = app.get_footer();
  page.forwards = app.get_prefix_command();
  for (const auto* option : app.get_options({})) {
    if (!option->get_group().empty()) page.options.push_back(option_entry(*option));
  }
  for (const App* subcommand : app.get_subcommands([](const App*) { return true; })) {
    if (!subcommand->get_group().empty()) page.subcommands.push_back(command_page(*subcommand));
  }
  return page;
}

}  // namespace pipeloom::proto
