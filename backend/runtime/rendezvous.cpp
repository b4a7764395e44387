#include "backend/runtime/rendezvous.h"

#include <fmt/format.h>

#include <cstring>

#include "backend/runtime/gather.h"
#include "core/check.h"

namespace pipeloom {

namespace {

// A message of whole values, one after the other.
template <typename Value>
void append(std::vector<std::byte>& bytes, const Value& value) {
  bytes.resize(bytes.size() + sizeof(Value));
  std::memcpy(bytes.data() + bytes.size() - sizeof(Value), &value, sizeof(Value));
}

template <typename Value>
Value value_at(const std::vector<std::byte>& bytes, size_t place) {
  Value value;
  PIPELOOM_CHECK(place + sizeof(Value) <= bytes.size());
  std::memcpy(&value, bytes.data() + place, sizeof(Value));
  return value;
}

std::vector<std::byte> report(uint64_t plan_digest, const std::map<int64_t, double>& losses) {
  std::vector<std::byte> bytes;
  append(bytes, plan_digest);
  for (const auto& [micro_batch, loss] : losses) {
    append(bytes, micro_batch);
    append(bytes, loss);
  }
  return bytes;
}

Status read_report(const std::vector<std::byte>& bytes, int source, uint64_t plan_digest,
                   std::map<int64_t, double>& losses) {
  const auto digest = value_at<uint64_t>(bytes, 0);
  if (digest != plan_digest) {
    return invalid(fmt::format("rank {} runs the plan {:016x}; rank 0 runs {:016x}: start all with the same plan file",
                               source, digest, plan_digest));
  }
  for (size_t place = sizeof digest; place < bytes.size(); place += sizeof(int64_t) + sizeof(double)) {
    losses[value_at<int64_t>(bytes, place)] = value_at<double>(bytes, place + sizeof(int64_t));
  }
  return {};
}

// Rank 0 hears everybody, and tells everybody when the step begins.
Result<StepStart> lead(Endpoint& endpoint, const MessageTag& tag, uint64_t plan_digest,
                       std::map<int64_t, double> losses, int64_t patience_ns) {
  Gather gather;
  for (int rank = 1; rank < endpoint.ranks(); ++rank) gather.expect(rank, Channel::kControl, tag);
  PIPELOOM_CHECK_OK(gather.wait(endpoint, patience_ns));
  for (int rank = 1; rank < endpoint.ranks(); ++rank) {
    PIPELOOM_CHECK_OK(read_report(gather.message(rank - 1).bytes, rank, plan_digest, losses));
  }
  StepStart start;
  for (const auto& [micro_batch, loss] : losses) start.loss_sum += loss;
  start.begin_ns = steady_now_ns();
  std::vector<std::byte> bytes;
  append(bytes, start);
  for (int rank = 1; rank < endpoint.ranks(); ++rank) endpoint.send(rank, Channel::kControl, {tag, 0, bytes});
  return start;
}

Result<StepStart> follow(Endpoint& endpoint, const MessageTag& tag, uint64_t plan_digest,
                         const std::map<int64_t, double>& losses, int64_t patience_ns) {
  endpoint.send(0, Channel::kControl, {tag, 0, report(plan_digest, losses)});
  Gather gather;
  gather.expect(0, Channel::kControl, tag);
  PIPELOOM_CHECK_OK(gather.wait(endpoint, patience_ns));
  return value_at<StepStart>(gather.message(0).bytes, 0);
}

}  // namespace

Result<StepStart> meet(Endpoint& endpoint, int64_t number, uint64_t plan_digest,
                       const std::map<int64_t, double>& losses, int64_t patience_ns) {
  const MessageTag tag{static_cast<int32_t>(number), 0, 0, 0};
  auto start = endpoint.rank() == 0 ? lead(endpoint, tag, plan_digest, losses, patience_ns)
                                    : follow(endpoint, tag, plan_digest, losses, patience_ns);
  if (!start) endpoint.abort(start.error());
  return start;
}

}  // namespace pipeloom
