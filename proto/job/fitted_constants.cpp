#include "proto/job/fitted_constants.h"

#include <fmt/format.h>

#include "core/base/check.h"
#include "proto/base/embedded.h"
#include "proto/base/files.h"
#include "proto/base/message_text.h"
#include "proto/job/job.pb.h"
#include "proto/job/training_rates_message.h"

namespace pipeloom::proto {

namespace {

std::string errors_text(const char* name, const StepErrors& errors) {
  if (!errors.known()) return "";
  return fmt::format("{} {{ low: {:.4f} high: {:.4f} pair: {:.4f} }}\n", name, errors.low, errors.high, errors.pair);
}

}  // namespace

Result<FittedConstants> parse_fitted_constants(const std::string& path, const std::string& text) {
  message::FittedConstants message;
  PIPELOOM_RETURN_IF_ERROR(parse_text(path, text, &message));
  FittedConstants fitted = {{}, load_step_errors(message.dense_errors()), load_step_errors(message.expert_errors())};
  for (const message::FittedConstant& constant : message.constant()) {
    if (!fitted.factors.emplace(constant.name(), constant.factor()).second) {
      return invalid(fmt::format("{}: the constant {} has two factors", path, constant.name()));
    }
  }
  if (const Status sane = check_fitted(fitted); !sane) {
    return fail(sane.error().code, fmt::format("{}: {}", path, sane.error().message));
  }
  return fitted;
}

Result<FittedConstants> read_fitted_constants(const std::string& path) {
  PIPELOOM_TRY(const std::string text, read_file(path));
  return parse_fitted_constants(path, text);
}

std::string fitted_constants_to_text(const FittedConstants& fitted) {
  std::string text;
  for (const auto& [name, factor] : fitted.factors) {
    text += fmt::format("constant {{ name: \"{}\" factor: {:.4g} }}\n", name, factor);
  }
  return text + errors_text("dense_errors", fitted.dense_errors) + errors_text("expert_errors", fitted.expert_errors);
}

const FittedConstants& known_fitted_constants() {
  static const FittedConstants known = [] {
    const std::string path = "proto/fitted/training_constants.txtpb";
    const auto text = read_embedded_file(path);
    PIPELOOM_THROW_UNLESS(text.has_value());
    auto fitted = parse_fitted_constants(path, *text);
    PIPELOOM_THROW_UNLESS(fitted.has_value());  // a test reads it
    return *std::move(fitted);
  }();
  return known;
}

}  // namespace pipeloom::proto
