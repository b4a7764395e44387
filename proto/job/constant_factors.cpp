#include "proto/job/constant_factors.h"

#include <fmt/format.h>

#include "core/base/check.h"
#include "proto/base/embedded.h"
#include "proto/base/message_text.h"
#include "proto/job/job.pb.h"

namespace pipeloom::proto {

Result<ConstantFactors> parse_constant_factors(const std::string& path, const std::string& text) {
  message::FittedConstants message;
  PIPELOOM_RETURN_IF_ERROR(parse_text(path, text, &message));
  ConstantFactors factors;
  for (const message::FittedConstant& constant : message.constant()) {
    if (!factors.emplace(constant.name(), constant.factor()).second) {
      return invalid(fmt::format("{}: the constant {} stands there twice", path, constant.name()));
    }
  }
  if (const Status sane = check_factors(factors); !sane) {
    return fail(sane.error().code, fmt::format("{}: {}", path, sane.error().message));
  }
  return factors;
}

std::string constant_factors_to_text(const ConstantFactors& factors) {
  std::string text;
  for (const auto& [name, factor] : factors) {
    text += fmt::format("constant {{ name: \"{}\" factor: {:.4g} }}\n", name, factor);
  }
  return text;
}

const ConstantFactors& known_constant_factors() {
  static const ConstantFactors known = [] {
    const std::string path = "proto/fitted/training_constants.txtpb";
    const auto text = read_embedded_file(path);
    PIPELOOM_THROW_UNLESS(text.has_value());
    auto factors = parse_constant_factors(path, *text);
    PIPELOOM_THROW_UNLESS(factors.has_value());  // a test reads it
    return *std::move(factors);
  }();
  return known;
}

}  // namespace pipeloom::proto
