#include "proto/megatron/shell_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "proto/megatron/shell_arithmetic.h"

namespace pipeloom::proto {

namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kSeparators = "\n;&|<>()";  // end a word where they are not quoted

bool is_blank(char it) {
  return kBlanks.find(it) != std::string_view::npos;
}

bool is_name(char it) {
  return it == '_' || (it >= '0' && it <= '9') || (it >= 'a' && it <= 'z') || (it >= 'A' && it <= 'Z');
}

// What opens a body that only running the script would tell whether it counts, and what closes it.
std::string_view end_of_branch(std::string_view word) {
  if (word == "if") return "fi";
  if (word == "case") return "esac";
  if (word == "for" || word == "while" || word == "until") return "done";
  return "";
}

using Values = std::vector<std::string>;

class Script {
 public:
  Script(const std::string& name, std::string_view text) : name_(name), text_(text) {}

  Result<ShellWords> read() {
    while (at_ < text_.size() && error_.empty()) read_next();
    if (!error_.empty()) return invalid(fmt::format("{}:{}: {}", name_, line_, error_));
    return std::move(result_);
  }

 private:
  static constexpr size_t kMostText = 1'000'000;
  static constexpr int kMostDepth = 20;  // of ${A:-${B:-...}}

  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void fail(std::string message) {
    if (error_.empty()) error_ = std::move(message);
  }

  char take() {
    const char it = text_[at_++];
    if (it == '\n') ++line_;
    return it;
  }

  void skip_comment() {
    while (at_ < text_.size() && peek() != '\n') take();
  }

  // Between words.
  void read_next() {
    const char it = peek();
    if (is_blank(it) || (it == '\\' && (peek(1) == '\n' || peek(1) == '\r'))) {
      if (take() == '\\') {
        if (peek() == '\r') take();
        if (peek() == '\n') take();
      }
    } else if (it == '#') {
      skip_comment();
    } else if (kSeparators.find(it) != std::string_view::npos) {
      take();
      command_begins_ = it != '<' && it != '>';
    } else if (!(command_begins_ && read_assignment())) {
      read_command_word();
    }
  }

  void read_command_word() {
    const int line = line_;
    const Values words = read_word();
    const bool first = command_begins_;
    // "export A=1", "then torchrun ...": what comes next stands where a command begins.
    constexpr std::string_view kPrefixes[] = {"export", "declare", "local", "readonly", "{", "!"};
    command_begins_ = first && words.size() == 1 && std::ranges::find(kPrefixes, words[0]) != std::end(kPrefixes);
    if (command_begins_) return;
    if (first && words.size() == 1 && !end_of_branch(words[0]).empty()) return skip_branch(words[0], line);
    if (first && words.size() == 1 && (words[0] == "[" || words[0] == "[[" || words[0] == "test")) {
      result_.branches.push_back(line);
      return skip_line();
    }
    for (const std::string& word : words) add(word, line);
  }

  void add(const std::string& word, int line) {
    grow(word.size() + 1);
    result_.words.push_back({word, line});
  }

  void grow(size_t characters) {
    text_size_ += characters;
    if (text_size_ > kMostText) fail("the script's variables grow beyond a million characters");
  }

  // A condition, and what follows it if it holds: [[ ... ]] && ...
  void skip_line() {
    while (at_ < text_.size() && peek() != '\n') {
      if (take() == '\\' && at_ < text_.size()) take();
    }
  }

  void skip_branch(std::string_view opening, int line) {
    result_.branches.push_back(line);
    std::vector<std::string> open = {std::string(end_of_branch(opening))};
    bool begins = false;
    while (at_ < text_.size() && !open.empty() && error_.empty()) {
      if (kSeparators.find(peek()) != std::string_view::npos || is_blank(peek())) {
        begins = !is_blank(take()) || begins;
        continue;
      }
      if (peek() == '#') {
        skip_comment();
        continue;
      }
      const std::string word = read_raw_word();
      if (begins && word == open.back()) {
        open.pop_back();
      } else if (begins && !end_of_branch(word).empty()) {
        open.emplace_back(end_of_branch(word));
      }
      begins = word == "then" || word == "do" || word == "else";
    }
    if (!open.empty()) fail(fmt::format("{} is missing for the {} in line {}", open.front(), opening, line));
  }

  // A word as it is written, quotes and all.
  std::string read_raw_word() {
    std::string word;
    char quote = '\0';
    while (at_ < text_.size()) {
      const char it = peek();
      if (quote == '\0' && (is_blank(it) || kSeparators.find(it) != std::string_view::npos)) break;
      if (it == quote) {
        quote = '\0';
      } else if (quote == '\0' && (it == '"' || it == '\'')) {
        quote = it;
      }
      word += take();
      if (it == '\\' && quote != '\'' && at_ < text_.size()) word += take();
    }
    return word;
  }

  // NAME=VALUE, NAME=(...), NAME+=...
  bool read_assignment() {
    size_t end = at_;
    while (end < text_.size() && is_name(text_[end])) ++end;
    const bool appends = end + 1 < text_.size() && text_[end] == '+' && text_[end + 1] == '=';
    if (end == at_ || (!appends && (end >= text_.size() || text_[end] != '='))) return false;
    const std::string variable(text_.substr(at_, end - at_));
    at_ = end + (appends ? 2 : 1);
    const bool is_array = peek() == '(';
    Values values = is_array ? read_array() : Values{joined(read_word(/*splits=*/false))};
    for (const std::string& value : values) grow(value.size() + 1);
    Values& target = variables_[variable];
    if (!appends) {
      target = std::move(values);
    } else if (is_array || target.empty()) {
      target.insert(target.end(), values.begin(), values.end());
    } else {
      target[0] += values[0];
    }
    return true;
  }

  Values read_array() {
    const int line = line_;
    take();
    Values values;
    while (at_ < text_.size() && peek() != ')' && error_.empty()) {
      if (is_blank(peek()) || peek() == '\n' || (peek() == '\\' && (peek(1) == '\n' || peek(1) == '\r'))) {
        take();
      } else if (peek() == '#') {
        skip_comment();
      } else if (kSeparators.find(peek()) != std::string_view::npos) {
        fail(fmt::format("\"{}\" in an array", peek()));
      } else {
        for (std::string& word : read_word()) values.push_back(std::move(word));
      }
    }
    if (at_ < text_.size()) {
      take();
    } else {
      fail(fmt::format(") is missing for the ( in line {}", line));
    }
    return values;
  }

  static std::string joined(const Values& values) {
    std::string text;
    for (const std::string& value : values) text += (text.empty() ? "" : " ") + value;
    return text;
  }

  // A word with its variables put in; unquoted values with blanks in them become several words.
  Values read_word(bool splits = true) {
    Values words;
    std::optional<std::string> word;  // being read; one that is quoted may be empty
    char quote = '\0';
    const auto begin = [&]() -> std::string& { return word ? *word : word.emplace(); };
    while (at_ < text_.size() && error_.empty()) {
      const char it = peek();
      if (quote == '\0' && (is_blank(it) || kSeparators.find(it) != std::string_view::npos)) break;
      if (it == quote || (quote == '\0' && (it == '"' || it == '\''))) {
        take();
        quote = it == quote ? '\0' : it;
        begin();
      } else if (it == '\\' && quote != '\'') {
        take();
        if (peek() == '\r' && peek(1) == '\n') take();
        if (at_ >= text_.size()) break;
        if (const char escaped = take(); escaped != '\n') begin() += escaped;
      } else if (it == '$' && quote != '\'') {
        put(read_expansion(0), quote == '\0' && splits, words, word);
      } else {
        begin() += take();
      }
    }
    if (quote != '\0') fail(fmt::format("the closing {} is missing", quote));
    if (word) words.push_back(*std::move(word));
    return words;
  }

  // Adds an expansion's values to the word that is being read: each but the last ends a word.
  static void put(const Values& values, bool splits, Values& words, std::optional<std::string>& word) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0 && word) words.push_back(*std::exchange(word, std::nullopt));
      if (!splits) {
        word = word.value_or("") + values[i];
        continue;
      }
      for (const char it : values[i]) {
        if (is_blank(it) || it == '\n') {
          if (word) words.push_back(*std::exchange(word, std::nullopt));
        } else {
          word = std::move(word).value_or("") + it;
        }
      }
    }
  }

  // From the "$" on.
  Values read_expansion(int depth) {
    const size_t begin = at_;
    take();
    if (peek() == '(') return {read_parentheses(begin)};
    if (peek() == '{') return read_braces(begin, depth);
    std::string variable;
    while (is_name(peek())) variable += take();
    if (variable.empty() && (peek() == '@' || peek() == '*' || peek() == '#' || peek() == '?')) take();
    return value_of(variable, begin);
  }

  Values value_of(const std::string& variable, size_t begin) {
    const auto found = variables_.find(variable);
    if (found == variables_.end()) return {std::string(text_.substr(begin, at_ - begin))};
    for (const std::string& value : found->second) grow(value.size() + 1);
    return found->second;
  }

  // $(command) as it is written, $((arithmetic)) worked out.
  std::string read_parentheses(size_t begin) {
    int open = 0;
    do {
      const char it = take();
      open += it == '(' ? 1 : it == ')' ? -1 : 0;
    } while (at_ < text_.size() && open > 0);
    if (open > 0) fail(") is missing");
    const std::string_view all = text_.substr(begin, at_ - begin);
    if (!all.starts_with("$((") || !all.ends_with("))") || all.size() < 5) return std::string(all);
    const std::string filled = with_values(all.substr(3, all.size() - 5));
    const auto value = shell_arithmetic(filled);
    return value ? std::to_string(*value) : std::string(all);
  }

  // An arithmetic expression with its variables put in: $NAME, ${NAME} or NAME.
  std::string with_values(std::string_view expression) const {
    std::string filled;
    for (size_t i = 0; i < expression.size();) {
      const char it = expression[i];
      if (it == '$' || it == '{' || it == '}') {
        ++i;
      } else if (is_name(it) && (it < '0' || it > '9')) {
        size_t end = i;
        while (end < expression.size() && is_name(expression[end])) ++end;
        const auto found = variables_.find(std::string(expression.substr(i, end - i)));
        filled += found == variables_.end() ? "?" : joined(found->second);
        i = end;
      } else {
        filled += it;
        ++i;
      }
    }
    return filled;
  }

  // ${NAME}, ${NAME[@]}, ${NAME:-DEFAULT} and its kin.
  Values read_braces(size_t begin, int depth) {
    take();
    std::string variable;
    while (is_name(peek())) variable += take();
    while (peek() == '[' || peek() == ']' || peek() == '@' || peek() == '*') take();
    const bool has_default = peek() == '-' || peek() == '=' || (peek() == ':' && (peek(1) == '-' || peek(1) == '='));
    Values otherwise;
    if (has_default) {
      if (peek() == ':') take();
      take();
      otherwise = {read_default(depth)};
    }
    while (at_ < text_.size() && peek() != '}' && peek() != '\n') take();
    if (peek() != '}') {
      fail("} is missing");
      return {};
    }
    take();
    return has_default && !variables_.contains(variable) ? otherwise : value_of(variable, begin);
  }

  std::string read_default(int depth) {
    if (depth >= kMostDepth) {
      fail(fmt::format("defaults are nested more than {} deep", kMostDepth));
      return "";
    }
    std::string value;
    while (at_ < text_.size() && peek() != '}' && peek() != '\n' && error_.empty()) {
      if (peek() == '$') {
        value += joined(read_expansion(depth + 1));
      } else if (const char it = take(); it != '"' && it != '\'') {
        value += it;
      }
    }
    return value;
  }

  const std::string& name_;
  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
  bool command_begins_ = true;
  std::string error_;
  std::map<std::string, Values> variables_;
  size_t text_size_ = 0;  // of what variables gave
  ShellWords result_;
};

}  // namespace

Result<ShellWords> shell_words(const std::string& name, std::string_view script) {
  return Script(name, script).read();
}

}  // namespace pipeloom::proto
