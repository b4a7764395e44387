#include "proto/megatron/layout_string.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace pipeloom::proto {

namespace {

constexpr size_t kMostText = 100'000;  // written out; far more than any model has layers

// How often what stands before `at` is there: "*29" moves `at` behind it; without one, once.
Result<size_t> repeats(std::string_view layout, size_t& at) {
  if (at >= layout.size() || layout[at] != '*') return 1;
  size_t count = 0;
  const auto [end, error] = std::from_chars(layout.data() + at + 1, layout.data() + layout.size(), count);
  if (error != std::errc()) return invalid("a number must follow each *");
  at = static_cast<size_t>(end - layout.data());
  return count;
}

Status append(std::string_view part, size_t count, std::string& text) {
  if (!part.empty() && count > (kMostText - text.size()) / part.size()) {
    return invalid(fmt::format("it is longer than {} characters when written out", kMostText));
  }
  for (size_t i = 0; i < count; ++i) text += part;
  return {};
}

// "(tt|)*2t*3" -> "tt|tt|ttt"
Result<std::string> written_out(std::string_view layout, bool nested = false) {
  std::string text;
  for (size_t at = 0; at < layout.size();) {
    std::string part(1, layout[at]);
    size_t end = at + 1;
    if (layout[at] == '(') {
      const size_t close = layout.find(')', at);
      if (nested || close == std::string_view::npos) {
        return invalid("a ( is nested or not closed");
      }
      PIPELOOM_TRY(part, written_out(layout.substr(at + 1, close - at - 1), true));
      end = close + 1;
    } else if (part.find_first_of("EtmL|") == std::string::npos) {
      return invalid(fmt::format("\"{}\" is none of E, t, m, L, |, (...)*N, *N", part));
    }
    PIPELOOM_TRY(const size_t count, repeats(layout, end));
    PIPELOOM_RETURN_IF_ERROR(append(part, count, text));
    at = end;
  }
  return text;
}

Result<MegatronStages> stages_of(const std::string& text) {
  if (!text.starts_with('E') || std::ranges::count(text, 'E') != 1) return invalid("it must begin with its only E");
  if (!text.ends_with('L') || std::ranges::count(text, 'L') != 1) return invalid("it must end with its only L");
  MegatronStages stages;
  stages.layers_per_stage.push_back(0);
  for (const char it : text) {
    const int stage = static_cast<int>(stages.layers_per_stage.size()) - 1;
    if (it == '|') stages.layers_per_stage.push_back(0);
    if (it == 't') ++stages.layers_per_stage.back();
    if (it != 'm') continue;
    if (stages.mtp_depth > 0 && stages.mtp_stage != stage) return invalid("its m are in several stages");
    ++stages.mtp_depth;
    stages.mtp_stage = stage;
  }
  return stages;
}

}  // namespace

std::string megatron_layout(std::span<const int> layers_per_stage, int mtp_depth) {
  std::string text = "E";
  for (size_t stage = 0; stage < layers_per_stage.size(); ++stage) {
    if (stage > 0) text += '|';
    const int layers = layers_per_stage[stage];
    if (layers == 1) text += 't';
    if (layers > 1) text += fmt::format("t*{}", layers);
  }
  text.append(static_cast<size_t>(mtp_depth), 'm');
  return text + 'L';
}

Result<MegatronStages> parse_megatron_layout(std::string_view layout) {
  std::string text(layout);
  std::erase(text, ',');
  return written_out(text).and_then(stages_of);
}

}  // namespace pipeloom::proto
