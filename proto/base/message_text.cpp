#include "proto/base/message_text.h"

#include <fmt/format.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "proto/base/json_text.h"

namespace pipeloom::proto {

namespace {

// Message type "pipeloom.message.Job" has -> "Job" has: the words of a job file's author.
std::string plain_words(std::string message) {
  for (const std::string_view noise : {"Message type ", "pipeloom.message."}) {
    for (size_t at = message.find(noise); at != std::string::npos; at = message.find(noise)) {
      message.erase(at, noise.size());
    }
  }
  return message;
}

// Keeps the first error.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(std::string path) : path_(std::move(path)) {}

  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    if (!text_.empty()) return;
    // -1: about the message as a whole
    text_ = line < 0 ? fmt::format("{}: {}", path_, plain_words(message))
                     : fmt::format("{}:{}:{}: {}", path_, line + 1, column + 1, plain_words(message));
  }

  const std::string& text() const { return text_; }

 private:
  std::string path_;
  std::string text_;
};

// "path:line:column" of a byte.
std::string place(const std::string& path, std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = std::ranges::count(before, '\n') + 1;
  const size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return fmt::format("{}:{}:{}", path, line, before.size() - line_begin + 1);
}

// Where the key `name` stands in the first object after `begin` (of an array of objects: in any); npos where it
// doesn't. REQUIRES: json is JSON.
size_t find_key(std::string_view json, std::string_view name, size_t begin) {
  int depth = 0;
  for (size_t at = begin; at < json.size();) {
    if (json[at] == '"') {
      const size_t end = end_of_string(json, at);
      if (depth == 1 && json.substr(at + 1, end - at - 2) == name && is_key(json, end)) return at;
      at = end;
      continue;
    }
    if (json[at] == '{') ++depth;
    if (json[at] == '}') --depth;
    ++at;
  }
  return std::string_view::npos;
}

// protobuf says "(cluster.gpu) nodse: Cannot find field."; the text says where that is.
std::string located(const std::string& path, std::string_view json, std::string_view error) {
  size_t at = 0;
  const auto descend = [&](std::string_view name) {
    name = name.substr(0, name.find('['));
    const size_t found = find_key(json, name, at);
    if (found != std::string_view::npos) at = found;
  };
  if (error.starts_with('(')) {
    std::string_view parents = error.substr(1, error.find(')') - 1);
    for (size_t dot = parents.find('.'); dot != std::string_view::npos; dot = parents.find('.')) {
      descend(parents.substr(0, dot));
      parents.remove_prefix(dot + 1);
    }
    descend(parents);
  }
  const size_t name_begin = error.starts_with('(') ? std::min(error.find(") ") + 2, error.size()) : 0;
  descend(error.substr(name_begin, error.find(':', name_begin) - name_begin));
  return place(path, json, at);
}

}  // namespace

Status parse_text(const std::string& path, const std::string& text, google::protobuf::Message* message) {
  FirstError error(path);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  if (!parser.ParseFromString(text, message)) return invalid(error.text());
  // Escapes make any bytes, but a plan stores UTF-8.
  const google::protobuf::LogSilencer silencer;
  if (message->ParseFromString(message->SerializeAsString())) return {};
  return invalid(fmt::format("{}: a text is not UTF-8", path));
}

Status parse_json(const std::string& path, const std::string& json, google::protobuf::Message* message) {
  // protobuf's reader doesn't say where a bracket is missing, and takes some text that isn't JSON.
  try {
    [[maybe_unused]] const auto parsed = nlohmann::json::parse(json);
  } catch (const nlohmann::json::parse_error& error) {
    return invalid(fmt::format("{}: {}", place(path, json, error.byte > 0 ? error.byte - 1 : 0), error.what()));
  } catch (const nlohmann::json::exception& error) {  // a number that no double holds
    return invalid(fmt::format("{}: {}", path, error.what()));
  }
  const auto status = google::protobuf::util::JsonStringToMessage(json, message);
  if (status.ok()) return {};
  const std::string error = plain_words(std::string(status.message()));
  return invalid(fmt::format("{}: {}", located(path, json, error), error));
}

}  // namespace pipeloom::proto
