#pragma once

#include <string>
#include <vector>

namespace pipeloom::proto {

// An option or a positional word of a command, as its manual and its completions show it.
struct OptionEntry {
  std::vector<std::string> names;    // "-o", "--output"; one name without dashes if it is positional
  std::string value;                 // "TEXT", "INT"; empty: a flag
  std::string default_value;         // empty: not shown
  std::vector<std::string> choices;  // the allowed words; empty: any
  std::string description;
  bool positional = false;
  bool required = false;
  bool repeats = false;  // takes any number of values

  bool takes_number() const { return value == "INT" || value == "UINT" || value == "FLOAT"; }
};

// A command of a program, or the program itself.
struct CommandPage {
  std::string name;  // "pipeloom", "compare"
  std::string description;
  std::string footer;
  std::vector<OptionEntry> options;
  std::vector<CommandPage> subcommands;
  // Hands unknown options to another program, whose page has them; so it has no page of its own.
  bool forwards = false;
};

// Gives every option of that name these choices, in the command and in its subcommands. For options that check their
// value later than the command line is parsed.
inline void set_choices(CommandPage& page, const std::string& name, const std::vector<std::string>& choices) {
  for (OptionEntry& option : page.options) {
    for (const std::string& own : option.names) {
      if (own == name) option.choices = choices;
    }
  }
  for (CommandPage& subcommand : page.subcommands) set_choices(subcommand, name, choices);
}

}  // namespace pipeloom::proto
