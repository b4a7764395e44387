#include "proto/megatron/shell_arithmetic.h"

#include <charconv>

namespace pipeloom::proto {

namespace {

using Value = std::optional<int64_t>;

Value apply(char sign, int64_t left, int64_t right) {
  int64_t value = 0;
  switch (sign) {
    case '+':
      return __builtin_add_overflow(left, right, &value) ? Value() : value;
    case '-':
      return __builtin_sub_overflow(left, right, &value) ? Value() : value;
    case '*':
      return __builtin_mul_overflow(left, right, &value) ? Value() : value;
    default:
      if (right == 0 || right == -1) return Value();  // -1: the smallest number has no opposite
      return sign == '/' ? left / right : left % right;
  }
}

// sum = product {(+|-) product}; product = factor {(*|/|%) factor}; factor = number | (+|-) factor | ( sum )
class Expression {
 public:
  explicit Expression(std::string_view text) : text_(text) {}

  Value value() {
    const Value result = chain("+-", 0);
    return next() == '\0' ? result : Value();
  }

 private:
  static constexpr int kMostDepth = 100;  // of parentheses and signs

  char next() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  Value operand(std::string_view signs, int depth) { return signs == "+-" ? chain("*/%", depth) : factor(depth); }

  Value chain(std::string_view signs, int depth) {
    Value left = operand(signs, depth);
    while (left && next() != '\0' && signs.find(next()) != std::string_view::npos) {
      const char sign = text_[at_++];
      const Value right = operand(signs, depth);
      left = right ? apply(sign, *left, *right) : Value();
    }
    return left;
  }

  Value factor(int depth) {
    if (depth > kMostDepth) return {};
    const char first = next();
    if (first == '(') {
      ++at_;
      const Value inside = chain("+-", depth + 1);
      if (next() != ')') return {};
      ++at_;
      return inside;
    }
    if (first == '+' || first == '-') {
      ++at_;
      const Value positive = factor(depth + 1);
      return positive && first == '-' ? apply('-', 0, *positive) : positive;
    }
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
    if (error != std::errc()) return {};
    at_ = static_cast<size_t>(end - text_.data());
    return number;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::optional<int64_t> shell_arithmetic(std::string_view expression) {
  return Expression(expression).value();
}

}  // namespace pipeloom::proto
