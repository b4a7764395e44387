#include "proto/manual/man_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace pipeloom::proto {

namespace {

// A text as roff prints it: backslashes and dashes stay what they are, and no line starts with a request.
std::string roff(const std::string& text) {
  std::string escaped;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool at_start = i == 0 || text[i - 1] == '\n';
    if (at_start && (text[i] == '.' || text[i] == '\'')) escaped += "\\&";
    if (text[i] == '\\') {
      escaped += "\\e";
    } else if (text[i] == '-') {
      escaped += "\\-";
    } else {
      escaped += text[i];
    }
  }
  return escaped;
}

// A description without the full stop that some end with.
std::string phrase(std::string text) {
  if (text.ends_with('.')) text.pop_back();
  return roff(text);
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  return fmt::format("{}", fmt::join(words, between));
}

// "\fB\-o\fR, \fB\-\-output\fR \fITEXT\fR".
std::string title_of(const OptionEntry& option) {
  if (option.positional) return fmt::format("\\fI{}\\fR{}", roff(option.names[0]), option.repeats ? " ..." : "");
  std::vector<std::string> names;
  for (const std::string& name : option.names) names.push_back("\\fB" + roff(name) + "\\fR");
  return joined(names, ", ") + (option.value.empty() ? "" : " \\fI" + roff(option.value) + "\\fR");
}

std::string options_of(const CommandPage& page) {
  std::string text;
  for (const OptionEntry& option : page.options) {
    text += fmt::format(".TP\n{}\n{}", title_of(option), phrase(option.description));
    if (option.required) text += ".\nRequired";
    if (!option.choices.empty()) text += ".\nOne of " + roff(joined(option.choices, ", "));
    if (!option.default_value.empty()) text += ".\nDefault: " + roff(option.default_value);
    text += ".\n";
  }
  return text;
}

std::string synopsis_of(const std::string& command, const CommandPage& page) {
  std::string text = fmt::format(".B {}\n", roff(command));
  const bool takes_words = std::ranges::any_of(page.options, &OptionEntry::positional);
  if (!page.subcommands.empty() && !takes_words) return text + ".I COMMAND\n[\\fIOPTIONS\\fR]\n";
  for (const OptionEntry& option : page.options) {
    if (!option.positional) continue;
    const std::string word = title_of(option);
    text += (option.required ? word : "[" + word + "]") + "\n";
  }
  return text + "[\\fIOPTIONS\\fR]\n";
}

// The page of one command, without what is said of subcommands and other pages.
std::string head_of(const std::string& command, const CommandPage& page, const std::string& version) {
  std::string name = command;
  std::ranges::replace(name, ' ', '-');
  std::string text = fmt::format(".TH {} 1 \"\" \"Pipeloom {}\" \"Pipeloom\"\n", roff(upper(name)), version);
  text += fmt::format(".SH NAME\n{} \\- {}\n", roff(name), phrase(page.description));
  text += ".SH SYNOPSIS\n" + synopsis_of(command, page);
  return text + ".SH OPTIONS\n" + options_of(page);
}

std::string commands_of(const CommandPage& program) {
  std::string text = ".SH COMMANDS\n";
  for (const CommandPage& command : program.subcommands) {
    const std::string name = program.name + " " + command.name;
    text += fmt::format(".TP\n.B {}\n{}.\n", roff(name), phrase(command.description));
    if (command.forwards) {
      text += fmt::format(".RS\n{}.RE\n", options_of(command));
    } else {
      text += fmt::format("See \\fB{}\\fR(1).\n", roff(program.name + "-" + command.name));
    }
  }
  return text;
}

}  // namespace

std::vector<ManPage> man_pages(const CommandPage& program, const std::string& version) {
  constexpr const char* kExitStatus =
      ".SH EXIT STATUS\n0, 1 if an input is bad or the work failed, 2 if the command line is wrong.\n";
  std::vector<ManPage> pages;
  std::string first = head_of(program.name, program, version);
  if (!program.subcommands.empty()) first += commands_of(program);
  if (!program.footer.empty()) first += fmt::format(".SH NOTES\n.nf\n{}\n.fi\n", roff(program.footer));
  pages.push_back({program.name + ".1", first + kExitStatus});
  for (const CommandPage& command : program.subcommands) {
    if (command.forwards) continue;
    const std::string text = head_of(program.name + " " + command.name, command, version) + kExitStatus;
    pages.push_back({fmt::format("{}-{}.1", program.name, command.name),
                     text + fmt::format(".SH SEE ALSO\n.BR {} (1)\n", roff(program.name))});
  }
  return pages;
}

}  // namespace pipeloom::proto
