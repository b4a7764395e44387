#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace pipeloom {

enum class ErrorCode {
  kInvalid,      // a value that is not allowed
  kUnsupported,  // legal, but this schedule or format can't express it
  kNotFound,     // a name or a file that does not exist
  kIo,           // reading or writing failed
  kDeadlock,     // the order can never finish
};

// An error that input can cause. The message names the file, the field, the value and what is allowed.
struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> invalid(std::string message) {
  return tl::unexpected<Error>(Error{ErrorCode::kInvalid, std::move(message)});
}
inline tl::unexpected<Error> unsupported(std::string message) {
  return tl::unexpected<Error>(Error{ErrorCode::kUnsupported, std::move(message)});
}
inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace pipeloom

#define PIPELOOM_CONCAT_INNER(a, b) a##b
#define PIPELOOM_CONCAT(a, b) PIPELOOM_CONCAT_INNER(a, b)
#define PIPELOOM_TRY_IMPL(result, declaration, expression)                          \
  auto result = (expression);                                                       \
  if (!result) return tl::unexpected<::pipeloom::Error>(std::move(result).error()); \
  declaration = *std::move(result)

// PIPELOOM_TRY(auto x, make_x()): sets x to the value, or returns the error from the enclosing function.
#define PIPELOOM_TRY(declaration, expression) \
  PIPELOOM_TRY_IMPL(PIPELOOM_CONCAT(pipeloom_result_, __LINE__), declaration, expression)

// PIPELOOM_RETURN_IF_ERROR(check(x)): returns the error from the enclosing function if check(x) has one.
#define PIPELOOM_RETURN_IF_ERROR(expression)                 \
  if (auto pipeloom_status = (expression); !pipeloom_status) \
  return tl::unexpected<::pipeloom::Error>(std::move(pipeloom_status).error())
