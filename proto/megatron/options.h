#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "proto/megatron/shell_words.h"

namespace pipeloom::proto {

// Options of a command as Python's argparse reads them: "--name value value" and "--name=value"; given twice, the last
// counts. "_" in a name is "-", as torchrun has it. Remembers the first value that is missing or mistyped (read all of
// them, then ask), and which options nobody asked for.
class ArgumentOptions {
 public:
  explicit ArgumentOptions(std::span<const ShellWord> words);

  bool flag(std::string_view name);
  // A whole number from `least`. The first fails where the option is absent.
  int number(std::string_view name, int least = 1);
  int number_or(std::string_view name, int otherwise, int least = 1);
  double decimal_or(std::string_view name, double otherwise);
  std::string text_or(std::string_view name, std::string_view otherwise);
  std::vector<std::string> texts(std::string_view name);

  // "--name is VALUE; allowed ...", with the line that it is in.
  void fail(std::string_view name, std::string_view allowed);
  void fail(std::string message);
  Status status() const;
  // Names of what was given and not asked for, in alphabetical order.
  std::vector<std::string> unused() const;

 private:
  struct Option {
    std::vector<std::string> values;
    int line = 0;
    bool used = false;
  };
  Option* find(std::string_view name);
  const std::string* value(std::string_view name);

  std::map<std::string, Option, std::less<>> options_;
  std::optional<std::string> error_;
};

}  // namespace pipeloom::proto
