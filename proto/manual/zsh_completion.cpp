#include <fmt/format.h>

#include "proto/manual/shell_completion.h"

namespace pipeloom::proto {

namespace {

// A text inside single quotes, where _arguments and _values give meaning to ':' and brackets.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      result += fmt::format("\\{}", c);
    } else if (c == '\n') {
      result += ' ';
    } else {
      result += c;
    }
  }
  return result;
}

// What completes a value: ":TEXT:(I W)", ":TEXT:_files", ":INT: ".
std::string action_of(const OptionEntry& option) {
  const std::string name = option.positional ? option.names[0] : option.value;
  if (!option.choices.empty()) return fmt::format(":{}:({})", name, fmt::join(option.choices, " "));
  return fmt::format(":{}:{}", name, option.takes_number() ? " " : "_files");
}

// The lines that describe a command's options to _arguments.
std::string specifications(const CommandPage& page, const std::string& indent) {
  std::string lines;
  for (const OptionEntry& option : page.options) {
    if (option.positional) {
      lines += fmt::format(" \\\n{}'{}{}'", indent, option.repeats ? "*" : "", action_of(option));
      continue;
    }
    for (const std::string& name : option.names) {
      const bool with_equals = !option.value.empty() && name.starts_with("--");
      lines += fmt::format(" \\\n{}'{}{}[{}]{}'", indent, name, with_equals ? "=" : "", escaped(option.description),
                           option.value.empty() ? "" : action_of(option));
    }
  }
  return lines;
}

}  // namespace

std::string zsh_completion(const CommandPage& program) {
  std::string text = fmt::format(
      "#compdef {0}\n# Completions of {0} for zsh, made from its own table of options.\n\nlocal context state line\n"
      "local -a commands\n\n",
      program.name);
  if (program.subcommands.empty()) return text + "_arguments" + specifications(program, "  ") + "\n";
  text += "commands=(\n";
  std::string cases;
  for (const CommandPage& command : program.subcommands) {
    text += fmt::format("  '{}:{}'\n", command.name, escaped(command.description));
    cases += fmt::format("      {})\n        _arguments{}\n        ;;\n", command.name,
                         specifications(command, "          "));
  }
  // A program whose options stand beside its subcommands takes a file or a subcommand first.
  CommandPage own = program;
  bool takes_file = false;
  std::erase_if(own.options, [&](const OptionEntry& option) {
    takes_file = takes_file || option.positional;
    return option.positional;
  });
  text +=
      fmt::format(")\n\n_arguments -C{} \\\n  '1: :->first' \\\n  '*::argument:->rest'\n\n", specifications(own, "  "));
  text += "case $state in\n  first)\n    _describe command commands\n";
  if (takes_file) text += "    _files\n";
  return text + "    ;;\n  rest)\n    case $line[1] in\n" + cases + "    esac\n    ;;\nesac\n";
}

}  // namespace pipeloom::proto
