#include "backend/device/tuning/tuned_file.h"

#include <fmt/format.h>

#include <cctype>

#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

// The end of the value that begins at `begin`: a number or a whole {...}.
size_t value_end(const std::string& text, size_t begin) {
  if (text[begin] == '{') return text.find('}', begin) + 1;
  return text.find_first_of(" \t\n#}", begin);
}

// Sets `field` ("name:", or "name {" without the brace) within the rates to `value`; its line then ends with the
// origin.
void set_field(std::string& text, const std::string& field, const std::string& value, const std::string& origin) {
  const std::string line = fmt::format("{}{}{}  # {}", field, field.ends_with(' ') ? "" : " ", value, origin);
  if (const size_t at = text.find("\n  " + field); at != std::string::npos) {
    const size_t begin = at + 3;
    const size_t value_begin = text.find_first_not_of(" \t", begin + field.size());
    const size_t end = text.find('\n', value_end(text, value_begin));
    text.replace(begin, end - begin, line);
    return;
  }
  const size_t rates = text.find("rates {");
  PIPELOOM_THROW_UNLESS(rates != std::string::npos);
  text.insert(text.find('\n', rates) + 1, "  " + line + "\n");
}

constexpr const char* kAllToAllLine = "\n  all_to_all {";
constexpr const char* kHandOverLine = "\n  hand_over {";

std::string without_curves(std::string text) {
  for (const char* line : {kAllToAllLine, kHandOverLine}) {
    for (size_t at = text.find(line); at != std::string::npos; at = text.find(line, at)) {
      text.erase(at, text.find('\n', at + 1) - at);
    }
  }
  return text;
}

// "STREAMING_READ_ONLY": as protobuf text has it.
std::string message_name(CopyMethod method) {
  std::string name = copy_method_name(method);
  for (char& letter : name) letter = letter == '-' ? '_' : static_cast<char>(std::toupper(letter));
  return name;
}

// A line for each, after the rates' other fields were set.
void add_curves(std::string& text, const KernelRates& rates, const std::string& origin) {
  std::string lines;
  for (const AllToAllCurve& curve : rates.all_to_all) {
    lines += fmt::format("{} sms: {}", kAllToAllLine, curve.sms);
    for (const Curve::Point& point : curve.bytes_per_s.points()) {
      lines += fmt::format(" bytes_per_s_of_piece {{ x: {:.6g} y: {:.6g} }}", point.x, point.y);
    }
    lines += fmt::format(" }}  # {}", origin);
  }
  for (const HandOverCurve& curve : rates.hand_over) {
    lines += fmt::format("{} sms: {}", kHandOverLine, curve.sms);
    for (const HandOverCurve::Point& point : curve.points) {
      lines +=
          fmt::format(" of_message {{ message_bytes: {} bytes_per_s: {:.6g} method: {} piece_bytes: {} }}",
                      point.message_bytes, point.bytes_per_s, message_name(point.how.method), point.how.piece_bytes);
    }
    lines += fmt::format(" }}  # {}", origin);
  }
  text.insert(text.find('\n', text.find("rates {")), lines);
}

}  // namespace

std::string with_tuned_rates(const std::string& text, const Gpu& tuned, const std::string& origin) {
  std::string result = without_curves(text);
  const KernelRates& rates = tuned.rates;
  const auto set = [&](const char* field, double value) {
    set_field(result, field, fmt::format("{:.6g}", value), origin);
  };
  set("memory_efficiency:", rates.memory_efficiency);
  set("all_to_all_sm_bytes_per_s:", rates.all_to_all_sm_bytes_per_s);
  set("all_to_all_piece_tokens:", rates.all_to_all_piece_tokens);
  const Contention& beside = rates.contention;
  set_field(result, "contention ",
            fmt::format("{{ products_beside_dispatch: {:.4g} products_beside_combine: {:.4g} memory_beside_dispatch: "
                        "{:.4g} memory_beside_combine: {:.4g} }}",
                        beside.products_beside_dispatch, beside.products_beside_combine, beside.memory_beside_dispatch,
                        beside.memory_beside_combine),
            origin);
  add_curves(result, rates, origin);
  return result;
}

}  // namespace pipeloom::backend
