#include <fmt/format.h>

#include "proto/manual/shell_completion.h"

namespace pipeloom::proto {

namespace {

std::string function_of(const std::string& program) {
  std::string name = "_" + program;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

// The names with dashes, as words for compgen.
std::string option_words(const CommandPage& page) {
  std::string words;
  for (const OptionEntry& option : page.options) {
    if (option.positional) continue;
    for (const std::string& name : option.names) words += (words.empty() ? "" : " ") + name;
  }
  return words;
}

// The allowed words of a positional, if it has some; else files complete it.
std::string positional_words(const CommandPage& page) {
  for (const OptionEntry& option : page.options) {
    if (option.positional && !option.choices.empty()) return fmt::format("{}", fmt::join(option.choices, " "));
  }
  return "";
}

// A case that knows the options and the words of one command.
std::string command_case(const std::string& pattern, const CommandPage& page, const std::string& words) {
  return fmt::format("    {}) options='{}' words=\"{}\" ;;\n", pattern, option_words(page), words);
}

// A case for each option that takes one of some words, or a number: "'plan --release') values='I W' ;;". The empty
// command is the program without a subcommand.
std::string value_cases(const std::string& command, const CommandPage& page) {
  std::string cases;
  for (const OptionEntry& option : page.options) {
    if (option.positional || option.value.empty()) continue;
    std::string pattern;
    for (const std::string& name : option.names) {
      pattern += fmt::format("{}'{} {}'", pattern.empty() ? "" : " | ", command, name);
    }
    if (!option.choices.empty()) {
      cases += fmt::format("    {}) values='{}' ;;\n", pattern, fmt::join(option.choices, " "));
    } else {
      cases += fmt::format("    {}) kind={} ;;\n", pattern, option.takes_number() ? "number" : "file");
    }
  }
  return cases;
}

}  // namespace

std::string bash_completion(const CommandPage& program) {
  std::string names;
  std::string options;
  std::string values = value_cases("", program);
  for (const CommandPage& command : program.subcommands) {
    names += (names.empty() ? "" : " ") + command.name;
    options += command_case(command.name, command, positional_words(command));
    values += value_cases(command.name, command);
  }
  options += command_case("''", program, "$commands");
  const std::string function = function_of(program.name);
  std::string text = fmt::format("# Completions of {0} for bash, made from its own table of options.\n\n{1}() {{\n",
                                 program.name, function);
  text += fmt::format("  local commands='{}'\n", names);
  text += R"(  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local command='' options='' words='' values='' kind='' i
  # --option=value is three words here.
  if [ "$word" = '=' ]; then
    word=''
  elif [ "$before" = '=' ]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    if [[ " $commands " == *" ${COMP_WORDS[i]} "* ]]; then
      command=${COMP_WORDS[i]}
      break
    fi
  done
)";
  text += "  case \"$command $before\" in\n" + values + "  esac\n  case $command in\n" + options + "  esac\n";
  text += R"(  COMPREPLY=()
  if [ -n "$values" ]; then
    compopt +o default
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
  elif [ "$kind" = number ]; then
    compopt +o default
  elif [ "$kind" = file ]; then
    return # -o default: readline completes the file
  elif [[ "$word" == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  fi
}
)";
  return text + fmt::format("complete -o default -F {} {}\n", function, program.name);
}

}  // namespace pipeloom::proto
