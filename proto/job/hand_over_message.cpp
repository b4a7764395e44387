#include "proto/job/hand_over_message.h"

#include <fmt/format.h>

#include "proto/job/job.pb.h"

namespace pipeloom::proto {

namespace {

static_assert(static_cast<int>(CopyMethod::kLoadStore) == message::HandOverCopy::LOAD_STORE);
static_assert(static_cast<int>(CopyMethod::kStreaming) == message::HandOverCopy::STREAMING);
static_assert(static_cast<int>(CopyMethod::kStreamingReadOnly) == message::HandOverCopy::STREAMING_READ_ONLY);
static_assert(static_cast<int>(CopyMethod::kBulk) == message::HandOverCopy::BULK);

message::HandOverCopy::Method stored(CopyMethod method) {
  return static_cast<message::HandOverCopy::Method>(method);
}

// Binary messages and JSON may hold any number.
Result<CopyMethod> loaded(const char* path, int method) {
  if (message::HandOverCopy::Method_IsValid(method)) return static_cast<CopyMethod>(method);
  return invalid(fmt::format("{}.method is {}; allowed are 0 to {}", path, method, kCopyMethods.size() - 1));
}

}  // namespace

void store_hand_over(const HandOverCopy& how, message::HandOverCopy* message) {
  message->set_method(stored(how.method));
  message->set_piece_bytes(how.piece_bytes);
}

Result<HandOverCopy> load_hand_over(const message::HandOverCopy& message) {
  HandOverCopy how;
  if (message.has_method()) {
    PIPELOOM_TRY(how.method, loaded("cluster.hand_over", message.method()));
  }
  if (message.has_piece_bytes()) how.piece_bytes = message.piece_bytes();
  return how;
}

void store_hand_over_curve(const HandOverCurve& curve, message::HandOverCurve* message) {
  message->set_sms(curve.sms);
  for (const HandOverCurve::Point& point : curve.points) {
    message::HandOverPoint* added = message->add_of_message();
    added->set_message_bytes(point.message_bytes);
    added->set_bytes_per_s(point.bytes_per_s);
    added->set_method(stored(point.how.method));
    added->set_piece_bytes(point.how.piece_bytes);
  }
}

Result<HandOverCurve> load_hand_over_curve(const message::HandOverCurve& message) {
  HandOverCurve curve;
  curve.sms = message.sms();
  for (const message::HandOverPoint& point : message.of_message()) {
    PIPELOOM_TRY(const CopyMethod method, loaded("cluster.gpu.rates.hand_over.of_message", point.method()));
    curve.points.push_back({point.message_bytes(), point.bytes_per_s(), {method, point.piece_bytes()}});
  }
  return curve;
}

}  // namespace pipeloom::proto
