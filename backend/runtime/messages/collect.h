#pragma once

#include <cstring>
#include <span>
#include <vector>

#include "backend/transport/endpoint.h"
#include "core/base/check.h"

namespace pipeloom::backend {

// When all ranks tell each other something. `number` tells one from the next: all ranks count alike. `what` they tell,
// for a message to people: "the loss of the step".
struct Appointment {
  int64_t number = 0;
  const char* what = "";
  int64_t patience_ns = 0;
};

// Rank 0 gets the bytes of every rank, [rank]; the others get nothing and don't wait.
Result<std::vector<std::vector<std::byte>>> collect(Endpoint& endpoint, const Appointment& appointment,
                                                    std::vector<std::byte> bytes);

// Every rank gets the bytes of rank 0.
Result<std::vector<std::byte>> spread(Endpoint& endpoint, const Appointment& appointment, std::vector<std::byte> bytes);

// A plain value or several as the bytes of a message between machines of one kind, and back.
template <typename Value>
std::vector<std::byte> bytes_of_values(std::span<const Value> values) {
  const auto bytes = std::as_bytes(values);
  return {bytes.begin(), bytes.end()};
}
template <typename Value>
std::vector<std::byte> bytes_of_value(const Value& value) {
  return bytes_of_values(std::span(&value, 1));
}
template <typename Value>
std::vector<Value> values_of_bytes(const std::vector<std::byte>& bytes) {
  PIPELOOM_THROW_UNLESS(bytes.size() % sizeof(Value) == 0);
  std::vector<Value> values(bytes.size() / sizeof(Value));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace pipeloom::backend
