#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/job/copy_method.h"

namespace pipeloom {

// How a hand-over between ranks of one GPU is copied by the sender's communication SMs.
struct HandOverCopy {
  CopyMethod method = CopyMethod::kStreaming;
  int64_t piece_bytes = int64_t{64} << 10;  // that an SM takes at a time; a multiple of 16

  bool operator==(const HandOverCopy&) const = default;
};
// Returns the size of a piece that nobody chose: so many tokens of so many bytes, in whole units that a thread moves.
int64_t piece_of_tokens(int64_t tokens, int64_t token_bytes);
// Says whether the piece can be; the error names the field `path`.
Status check_hand_over(std::string_view path, const HandOverCopy& how);

// What so many SMs copied, message by message, each as was fastest for it.
struct HandOverCurve {
  struct Point {
    int64_t message_bytes = 0;
    double bytes_per_s = 0;
    HandOverCopy how;

    bool operator==(const Point&) const = default;
  };
  int sms = 0;
  std::vector<Point> points;  // in ascending order of their messages

  bool operator==(const HandOverCurve&) const = default;
};
// Whether the curves are sane, in ascending order of their SMs; the error names field, value and what is allowed.
Status check_hand_over_curves(std::string_view path, const std::vector<HandOverCurve>& curves);

}  // namespace pipeloom
