#pragma once

#include <cstring>
#include <span>
#include <vector>

#include "backend/transport/endpoint.h"
#include "core/check.h"

namespace pipeloom {

// Rank 0 gets the bytes of every rank, [rank]; the others get nothing and don't wait. `number` tells one meeting from
// the next: all ranks count alike.
Result<std::vector<std::vector<std::byte>>> collect(Endpoint& endpoint, int64_t number, std::vector<std::byte> bytes,
                                                    int64_t patience_ns);

// Every rank gets the bytes of rank 0.
Result<std::vector<std::byte>> spread(Endpoint& endpoint, int64_t number, std::vector<std::byte> bytes,
                                      int64_t patience_ns);

// Plain values as the bytes of a message between machines of one kind, and back.
template <typename Value>
std::vector<std::byte> bytes_of_values(std::span<const Value> values) {
  const auto bytes = std::as_bytes(values);
  return {bytes.begin(), bytes.end()};
}
template <typename Value>
std::vector<Value> values_of_bytes(const std::vector<std::byte>& bytes) {
  PIPELOOM_CHECK(bytes.size() % sizeof(Value) == 0);
  std::vector<Value> values(bytes.size() / sizeof(Value));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace pipeloom
