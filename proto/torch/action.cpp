#include "proto/torch/action.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

namespace pipeloom::proto {

namespace {

constexpr std::array<std::pair<TorchActionKind, std::string_view>, 15> kKinds = {{
    {TorchActionKind::kWaitReduceGrad, "WAIT_REDUCE_GRAD"},  // before W, which it begins with
    {TorchActionKind::kWaitSendForward, "WAIT_SEND_F"},
    {TorchActionKind::kWaitSendBackward, "WAIT_SEND_B"},
    {TorchActionKind::kForward, "F"},
    {TorchActionKind::kInputBackward, "I"},
    {TorchActionKind::kFullBackward, "B"},
    {TorchActionKind::kWeightBackward, "W"},
    {TorchActionKind::kUnshard, "UNSHARD"},
    {TorchActionKind::kReshard, "RESHARD"},
    {TorchActionKind::kReduceGrad, "REDUCE_GRAD"},
    {TorchActionKind::kSendForward, "SEND_F"},
    {TorchActionKind::kReceiveForward, "RECV_F"},
    {TorchActionKind::kSendBackward, "SEND_B"},
    {TorchActionKind::kReceiveBackward, "RECV_B"},
    {TorchActionKind::kOverlap, "OVERLAP_F_B"},
}};

std::string_view name_of(TorchActionKind kind) {
  for (const auto& [known, name] : kKinds) {
    if (known == kind) return name;
  }
  return "";
}

std::string_view strip(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

tl::unexpected<Error> bad_action(std::string_view text) {
  return invalid(
      fmt::format("\"{}\" is no action; expected a stage, one of F, I, B, W, SEND_F, RECV_F, SEND_B, RECV_B, "
                  "UNSHARD, RESHARD, REDUCE_GRAD, and a micro-batch, as in 2F0; or (0F3;3B1)OVERLAP_F_B",
                  text.substr(0, 60)));
}

// Takes the digits at the front; nothing where there are none. `digits` counts them.
std::optional<int32_t> take_number(std::string_view* text, size_t* digits) {
  int32_t value = 0;
  *digits = std::min(text->find_first_not_of("0123456789"), text->size());
  const auto [end, error] = std::from_chars(text->data(), text->data() + *digits, value);
  text->remove_prefix(*digits);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

Result<TorchAction> parse_simple(std::string_view text) {
  std::string_view rest = text;
  size_t digits = 0;
  const auto stage = take_number(&rest, &digits);
  if (!stage) return bad_action(text);
  for (const auto& [kind, name] : kKinds) {
    if (kind == TorchActionKind::kOverlap || !rest.starts_with(name)) continue;
    rest.remove_prefix(name.size());
    const auto micro_batch = take_number(&rest, &digits);
    if (digits > 0 && !micro_batch) return bad_action(text);
    return TorchAction{kind, *stage, micro_batch.value_or(TorchAction::kNone)};
  }
  return bad_action(text);
}

Result<TorchAction> parse_compound(std::string_view text) {
  const size_t close = text.find(')');
  if (text.substr(close + 1) != name_of(TorchActionKind::kOverlap)) return bad_action(text);
  TorchAction action{TorchActionKind::kOverlap};
  std::string_view rest = text.substr(1, close - 1);
  while (true) {
    const size_t end = std::min(rest.find(';'), rest.size());
    if (const std::string_view part = strip(rest.substr(0, end)); !part.empty()) {
      PIPELOOM_TRY(TorchAction parsed, parse_simple(part));
      action.parts.push_back(std::move(parsed));
    }
    if (end == rest.size()) return action;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace

bool TorchAction::computes() const {
  switch (kind) {
    case TorchActionKind::kForward:
    case TorchActionKind::kInputBackward:
    case TorchActionKind::kWeightBackward:
    case TorchActionKind::kFullBackward:
    case TorchActionKind::kOverlap:
      return true;
    default:
      return false;
  }
}

bool TorchAction::transfers() const {
  switch (kind) {
    case TorchActionKind::kSendForward:
    case TorchActionKind::kReceiveForward:
    case TorchActionKind::kSendBackward:
    case TorchActionKind::kReceiveBackward:
      return true;
    default:
      return false;
  }
}

Result<std::optional<TorchAction>> parse_torch_action(std::string_view cell) {
  const std::string_view text = strip(cell);
  if (text.empty()) return std::optional<TorchAction>();
  const bool compound = text.front() == '(' && text.find(')') != std::string_view::npos;
  PIPELOOM_TRY(TorchAction action, compound ? parse_compound(text) : parse_simple(text));
  return std::optional(std::move(action));
}

std::string torch_action_text(const TorchAction& action) {
  if (action.kind == TorchActionKind::kOverlap) {
    std::string text = "(";
    for (const TorchAction& part : action.parts) {
      if (text.size() > 1) text += ';';
      text += torch_action_text(part);
    }
    return text + ")OVERLAP_F_B";
  }
  std::string text = fmt::format("{}{}", action.stage, name_of(action.kind));
  if (action.micro_batch != TorchAction::kNone) text += std::to_string(action.micro_batch);
  return text;
}

}  // namespace pipeloom::proto
